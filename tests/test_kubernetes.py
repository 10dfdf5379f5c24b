"""deploy/kubernetes as rendered by kustomize, checked against the official schemas and the service.

The official schemas do not contain custom resources (ServiceMonitor, InferenceService). Tests check
their selectors and pods instead.
"""

import json
import os
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml
from packaging.version import Version

from tests.serving import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
RENDERED = ("base", "overlays/local", "overlays/production", "kserve")
#: The oldest supported version, and the newest with available schemas.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
CUSTOM = {"ServiceMonitor", "InferenceService"}
#: First version of kustomize whose output is sorted and labelled as these tests expect.
KUSTOMIZE = Version("5.0")


def kustomize():
    """Return the command that renders a folder, or None without a recent version."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        done = subprocess.run(
            ["kubectl", "version", "--client", "-o", "json"],
            capture_output=True,
            check=True,
        )
        if Version(json.loads(done.stdout).get("kustomizeVersion", "0")) >= KUSTOMIZE:
            return ["kubectl", "kustomize"]
    return None


@pytest.fixture(scope="module", params=RENDERED)
def resources(request):
    """Return {kind: resource} of one folder."""
    return render(KUBERNETES / request.param)


def render(folder):
    """Return {kind: resource} of a folder, where each kind occurs once."""
    command = kustomize()
    if command is None:
        pytest.skip(f"neither kustomize nor a kubectl with kustomize {KUSTOMIZE} is installed")
    done = subprocess.run([*command, folder], check=True, capture_output=True, text=True)
    rendered = list(yaml.safe_load_all(done.stdout))
    found = {resource["kind"]: resource for resource in rendered}
    assert len(found) == len(rendered)
    return found


def only(*folders):
    return pytest.mark.parametrize("resources", folders, indirect=True)


def pod_spec(resources):
    if "InferenceService" in resources:
        return resources["InferenceService"]["spec"]["predictor"]
    return resources["Deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
def test_resources_match_the_kubernetes_schemas(resources, version):
    for kind in resources.keys() - CUSTOM:
        kubernetes_validate.validate(resources[kind], version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_pod_matches_the_kubernetes_schema(resources, version):
    of_kserve = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}
    spec = {name: value for name, value in pod_spec(resources).items() if name not in of_kserve}

    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "digits"}, "spec": spec}
    kubernetes_validate.validate(pod, version, strict=True)


def test_schema_check_finds_misspelt_field(resources):
    spec = pod_spec(resources)["containers"][0] | {"readynessProbe": {}}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [spec]}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)


def test_pod_meets_the_restricted_pod_security_standard(resources):
    spec = pod_spec(resources)
    container = spec["containers"][0]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"USER {spec['securityContext']['runAsUser']}:" in dockerfile


def test_kubernetes_service_links_disabled(resources):
    """Service links would set DLFLASK_SERVICE_HOST, an unknown setting."""
    assert pod_spec(resources)["enableServiceLinks"] is False


def test_probes_use_existing_paths(resources, client):
    container = pod_spec(resources)["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        get = container[name]["httpGet"]
        assert client.get(get["path"]).status_code == 200
        assert ports.get(get["port"], get["port"]) == 8000
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


def test_settings_come_from_a_config_map(resources):
    source = {"configMapRef": {"name": "dlflask-settings", "optional": True}}

    assert pod_spec(resources)["containers"][0]["envFrom"] == [source]


@pytest.mark.parametrize("version", VERSIONS)
def test_model_component_mounts_the_volume(tmp_path, version):
    def relative(path):
        return os.path.relpath(KUBERNETES / path, tmp_path)

    overlay = {"resources": [relative("base")], "components": [relative("components/model")]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))

    resources = render(tmp_path)

    spec = pod_spec(resources)
    container = spec["containers"][0]
    (claim,) = [one["name"] for one in spec["volumes"] if "persistentVolumeClaim" in one]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == claim]
    (variable,) = container["env"]
    assert variable["name"] == "DLFLASK_MODEL_PATH"
    assert variable["value"].startswith(mount["mountPath"] + "/")
    assert mount["readOnly"] is True
    kubernetes_validate.validate(resources["Deployment"], version, strict=True)


@only("base", "overlays/local", "overlays/production")
def test_resources_select_the_pods_and_their_port(resources):
    specs = {kind: resource["spec"] for kind, resource in resources.items() if "spec" in resource}
    labels = specs["Deployment"]["template"]["metadata"]["labels"]

    assert specs["Service"]["selector"] == labels
    assert specs["Service"]["ports"][0]["targetPort"] == "http"
    assert specs["PodDisruptionBudget"]["selector"] == {"matchLabels": labels}
    assert specs["NetworkPolicy"]["podSelector"] == {"matchLabels": labels}
    assert specs["NetworkPolicy"]["ingress"] == [{"ports": [{"port": "http"}]}]
    assert specs["NetworkPolicy"]["policyTypes"] == ["Ingress", "Egress"]
    assert specs["NetworkPolicy"]["egress"] == [], "no way out"
    assert specs["HorizontalPodAutoscaler"]["scaleTargetRef"]["kind"] == "Deployment"
    for spread in specs["Deployment"]["template"]["spec"]["topologySpreadConstraints"]:
        assert spread["labelSelector"] == {"matchLabels": labels}


@only("overlays/production")
def test_service_monitor_selects_the_service(resources):
    monitor, service = resources["ServiceMonitor"]["spec"], resources["Service"]

    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [endpoint["port"] for endpoint in monitor["endpoints"]] == [
        port["name"] for port in service["spec"]["ports"]
    ]
    assert monitor["endpoints"][0]["path"] == "/metrics"


@only("overlays/production")
def test_ingress_forwards_all_paths_except_metrics(resources, app):
    paths = resources["Ingress"]["spec"]["rules"][0]["http"]["paths"]

    def is_open(address):
        return any(
            address == path["path"]
            or (path["pathType"] == "Prefix" and address.startswith(path["path"] + "/"))
            for path in paths
        )

    addresses = {re.sub(r"<[^>]+>", "x", rule.rule) for rule in app.url_map.iter_rules()}
    assert "/predictlabel" in addresses
    assert [address for address in addresses - {"/metrics"} if not is_open(address)] == []
    assert not is_open("/metrics")


@only("overlays/production")
def test_ingress_limits_match_nginx(resources):
    annotations = resources["Ingress"]["metadata"]["annotations"]
    site = "".join(
        (ROOT / "nginx" / "conf.d" / name).read_text(encoding="utf-8")
        for name in ("local.conf", "service")
    )

    for name in (
        *("client-max-body-size", "client-body-buffer-size"),
        *("proxy-connect-timeout", "proxy-read-timeout"),
        *("proxy-next-upstream", "proxy-next-upstream-timeout"),
    ):
        assert f"{name.replace('-', '_')} {annotations[f'nginx.org/{name}']};" in site
