# A Docker engine, a base image and the site's certificates for a machine that has none of them.

engine_pid=""

engine_answers() {
  docker_cli version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# Debian's client goes with Debian's engine; another one on PATH may be too new for it.
docker_cli() {
  if [ -x /usr/bin/docker ]; then /usr/bin/docker "$@"; else docker "$@"; fi
}

ensure_engine() {
  local state=$1/engine log=$1/dockerd.log
  if engine_answers; then
    echo "an engine answers: $(docker_cli version --format '{{.Server.Version}}')"
    return
  fi
  if ! command -v dockerd >/dev/null || ! command -v debootstrap >/dev/null || ! command -v iptables >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io iptables debootstrap >/dev/null
  fi
  mkdir -p "$state"
  # Folders and a pid file of its own: what an earlier engine left behind cannot be in the way.
  setsid dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/pid" \
    </dev/null >"$log" 2>&1 &
  engine_pid=$!
  for _ in $(seq 60); do
    engine_answers && break
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 1
  done
  if ! engine_answers; then
    echo "no Docker engine could be started:" >&2
    tail -n 30 "$log" >&2
    return 1
  fi
  echo "started an engine: $(docker_cli version --format '{{.Server.Version}}')"
}

stop_engine() {
  [ -n "$engine_pid" ] || return 0
  kill "$engine_pid" 2>/dev/null || true
  for _ in $(seq 30); do
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 1
  done
  engine_pid=""
}

# Prints the tag of a base image made from Debian's own packages: no image registry is needed.
base_image() {
  local tag=pithy-base:bookworm root
  if ! docker_cli image inspect "$tag" >/dev/null 2>&1; then
    command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap >/dev/null
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$root.log" 2>&1 ||
      { tail -n 20 "$root.log" >&2; return 1; }
    tar -C "$root" --numeric-owner --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' -c . |
      docker_cli import --change 'CMD ["/bin/bash"]' - "$tag" >/dev/null
    rm -rf "$root" "$root.log"
  fi
  echo "$tag"
}

# Writes the certificates that this machine trusts beyond Debian's own list: a site's own CA, if there is one.
site_certificates() {
  python3 - "$1" <<'PYTHON'
import os, pathlib, re, ssl, sys

def certificates(text):
    return re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.S)

def key(pem):
    return ssl.PEM_cert_to_DER_cert(pem)

public = {key(pem) for path in pathlib.Path("/usr/share/ca-certificates").rglob("*.crt")
          for pem in certificates(path.read_text())}
bundle = pathlib.Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
trusted = certificates(bundle.read_text()) if bundle.is_file() else []
own = [pem for pem in trusted if key(pem) not in public] if public else []
pathlib.Path(sys.argv[1]).write_text("".join(pem + "\n" for pem in own))
print(f"{len(own)} certificate(s) of this site beyond Debian's {len(public)}")
PYTHON
}
