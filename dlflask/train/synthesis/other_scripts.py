"""Characters of other scripts, which are non-digits. Many of them are similar to a digit."""

from __future__ import annotations

import numpy as np

from dlflask.train.synthesis.fonts import draw_glyphs
from dlflask.train.synthesis.skeletonize import Fields, distance_fields

#: Font that contains all characters below.
FONT = "DejaVuSans.ttf"

#: Characters of each script. Characters that look like a digit are left out: almost all to which an
#: earlier digit network gave a probability of at least 0.5 to be a digit.
CHARACTERS = {
    "Armenian": "ԱԲԵԷԸԹԺԻԼԽԾՀՃՄՆՇՈՊՋՌՍՐՒՓՔՖՙաբգդզէթժիխծհղմնոչպջռստրցւփքֆև",
    "Georgian": (
        "ႠႢႣႥႦႧႩႪႫႬႭႮႰႲႳႴႵႶႸႹႺႻႼႽႾႿჀჁჄაბდეთლმოჟრსტუფქღყშჩცძჭჯჱჲჶჷჸჺⴀⴁⴂⴃⴅⴆⴇⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴙⴛⴜⴞⴟⴠⴡⴢⴥ"
    ),
    "Lao": "ກຂຄງຈຊຍດຕຖທນບປຜຝພຟມຢຣວສຫອຮ",
    "Tifinagh": "ⴱⴲⴳⴴⴵⴶⴸⴹⴻⴼⴽⴾⴿⵀⵂⵃⵄⵅⵆⵇⵈⵉⵊⵋⵌⵍⵎⵐⵒⵕⵖⵗⵘⵙⵛⵜⵝⵞⵟⵠⵡⵣⵤⵥⵯ",
    "Canadian Aboriginal syllabics": (
        "ᐁᐂᐃᐄᐅᐆᐇᐉᐊᐋᐌᐍᐎᐏᐐᐑᐒᐓᐔᐕᐖᐗᐘᐙᐚᐛᐝᐞᐡᐢᐥᐦᐨᐩᐪᐫᐬᐭᐮᐯᐰᐱᐲᐳᐵᐷᐸᐹᐺᐻᐼᐾᐿᑀᑁᑂᑃᑄᑅᑆᑇᑈᑉᑌᑍᑎᑏᑐᑑᑒᑔᑕᑖᑗᑘᑙᑚᑛᑜᑟᑠᑡᑢᑣ"
        "ᑤᑥᑦᑧᑨᑩᑪᑬᑭᑮᑯᑰᑱᑶᑷᑸᑹᑺᑻᑼᑽᒄᒅᒆᒇᒈᒊᒋᒌᒍᒎᒏᒔᒕᒖᒗᒘᒙᒚᒛᒠᒢᒤᒥᒦᒧᒨᒩᒪᒫᒮᒯᒰᒱᒲᒳᒴᒵᒶᒷᒸᒹᒺᒻᒼᒽᓁᓂᓃᓄᓅᓆᓇᓈᓉᓊᓋᓌᓍᓎᓏᓐᓑᓒ"
        "ᓔᓕᓖᓗᓘᓙᓛᓞᓟᓠᓡᓢᓣᓤᓥᓦᓧᓨᓩᓪᓬᓮᓯᓰᓱᓲᓳᓴᓵᓶᓸᓹᓺᓻᓼᓽᓾᓿᔀᔁᔂᔃᔄᔅᔇᔓᔔᔕᔖᔚᔛᔜᔝᔞᔟᔠᔡᔢᔣᔤᔥᔦᔧᔨᔩᔪᔫᔬᔮᔯᔱᔲᔳᔴᔵᔶᔷᔸᔹᔺᔻᔼᔽᔾ"
        "ᕀᕁᕂᕃᕄᕅᕆᕇᕈᕉᕍᕎᕏᕒᕓᕔᕕᕖᕗᕘᕙᕚᕛᕜᕝᕞᕟᕠᕡᕢᕣᕤᕦᕧᕨᕩᕪᕵᕶᕷᕸᕹᕺᕻᕼᕽᕾᕿᖀᖁᖂᖃᖄᖅᖌᖎᖏᖐᖑᖒᖓᖔᖕᖖᖠᖡᖢᖣᖤᖥᖦᖧᖨᖩᖪᖫᖬᖭᖮᗞᙇᙯᙰᙱ"
        "ᙲᙳᙴᙵᙶ"
    ),
}


def draw_other_scripts(count: int, rng: np.random.Generator) -> Fields:
    """Draw `count` characters, about the same number of each script.

    Args:
        count: Number of characters.
        rng: The only source of randomness.

    Returns:
        Distance fields, (count, 56, 56) uint8.
    """
    shares = np.array_split(np.arange(count), len(CHARACTERS))
    masks = [
        draw_glyphs(characters, len(share), rng, fonts=(FONT,))[0]
        for characters, share in zip(CHARACTERS.values(), shares, strict=True)
    ]
    return distance_fields(np.concatenate(masks))
