# Every target sets up what it needs (Debian 12 or 13, Raspberry Pi OS); see scripts/setup.
.DEFAULT_GOAL := help
SHELL_SCRIPTS = $(shell git grep -lE '^.!.*[ /](ba|da)?sh$$')
# Compiled modules are kept, whatever the caller set: the tests start the package some hundred times.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo demo-station test test-full check bench nightly hil test-camera test-unit test-station-unit test-machine test-arm64 test-bundle bundle test-powercut test-rgw test-chaos test-chaos-stores soak enclosure mutants clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## a camera without hardware: press, warning, recording, marker, stop; then the film in demo/out
	@scripts/setup demo
	@scripts/demo

demo-station: ## a station and three cameras without hardware: sent, receipted, held by an order, deleted, verified at the station; in demo-station/
	@scripts/setup station
	@PATH="$$PWD/.venv/bin:$$PATH" python scripts/demo_station

test: ## all tests, a twentieth of the random cases
	@scripts/setup test
	@scripts/test

test-full: ## what `make test` leaves out: what takes long, and more random cases, three tenths (half an hour)
	@scripts/setup test
	@BODYCAMD_TEST_SCALE=0.3 scripts/test --no-repeats --durations 15

check: ## lint, format, types, import order, shell scripts
	@scripts/setup test
	.venv/bin/ruff check
	.venv/bin/ruff format --check --quiet
	.venv/bin/shellcheck $(SHELL_SCRIPTS)
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: ## the design's targets as a table, each beside a peer's figure from the same run
	@scripts/setup bench
	.venv/bin/python -m pytest -q -s -m bench --timeout 900 tests/bench

hil: ## scenarios with button, lamps and broken parts, on mock pins (minutes); BOARD=virtual: a camera that QEMU boots from its card (root); BOARD=pi HOST=…: a Raspberry Pi over ssh; docs/hil.md
	@scripts/setup $(if $(filter virtual,$(BOARD)),bench,test)
	@scripts/test-hil $(or $(BOARD),mock)

test-camera: ## the real picamera2 and libcamera in a Debian trixie root (root, 1 GB, minutes)
	@scripts/setup bench
	@scripts/test-camera

test-unit: ## the systemd unit booted in a container (root, 1 GB, minutes)
	@scripts/setup bench
	@scripts/test-unit

test-station-unit: ## the station's unit installed and booted in a container, with nginx and PostgreSQL (root, 0.7 GB, minutes)
	@scripts/setup bench
	@scripts/test-station-unit

test-machine: ## the camera in a virtual machine: swap, sound, a battery, a watchdog (root, QEMU without KVM, 3 GB, minutes)
	@scripts/setup bench
	@scripts/test-machine

test-arm64: ## a stated part of the tests on a Pi's processor, emulated (root, 1 GB, minutes)
	@scripts/setup bench
	@scripts/test-arm64

test-rgw: ## the station on a real Ceph RGW and a real PostgreSQL (root, Debian's packages of both, a minute)
	@scripts/setup test
	@.venv/bin/pip install -q -e '.[postgres]'
	@.venv/bin/python -m pytest -q -m "rgw or postgres" tests/municipality/station

test-chaos: ## cameras send while uplinks, cameras and the station are killed, over bad links; BODYCAMD_CHAOS=1 for all of it (an hour)
	@scripts/setup test
	@.venv/bin/python -m pytest -q -s -m "chaos and not rgw" tests/chaos

test-chaos-stores: ## the same on a real Ceph RGW and a real PostgreSQL, which is killed too (root, Debian's packages of both)
	@scripts/setup test
	@.venv/bin/pip install -q -e '.[postgres]'
	@.venv/bin/python -m pytest -q -s -m "chaos and rgw" tests/chaos

bundle: ## a signed bundle of this commit: KEY=release.key OUT=DIR (the internet, two minutes)
	@scripts/build-bundle --key "$(KEY)" --out "$(or $(OUT),.)"

test-bundle: ## a bundle built twice, then its life in a container without a network: install, update, cut, roll back, remove (root, 1 GB, the internet, minutes)
	@scripts/setup bench
	@scripts/test-bundle

test-powercut: ## the power is cut: CUTS=1000 for so many cuts (root, FUSE, loop devices, minutes)
	@scripts/setup bench
	@CUTS=$(or $(CUTS),150) scripts/test-powercut

soak: ## a day of work with random faults, an hour under load: RECORDINGS=300 MINUTES=60 (root, an hour and a half)
	@scripts/setup bench
	RECORDINGS=$(or $(RECORDINGS),300) MINUTES=$(or $(MINUTES),60) .venv/bin/python -m pytest -q -s -m soak tests/soak

enclosure: ## the pictures of the case, drawn anew (OpenSCAD)
	@scripts/setup drawings
	@scripts/render-enclosure

mutants: ## small changes to control, retention and evidence: which do their own tests notice? (hours)
	@scripts/setup test
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	.venv/bin/python -m tests.mutants.bench camera/control evidence retention=tests/retention,tests/camera/keeping camera/keeping

nightly: check ## everything, with the full number of random cases
	@scripts/setup bench
	@scripts/setup drawings
	BODYCAMD_TEST_SCALE=10 scripts/test
	BODYCAMD_TEST_SCALE=10 $(MAKE) bench
	$(MAKE) test-camera test-unit test-station-unit test-machine test-arm64 test-bundle
	$(MAKE) hil BOARD=virtual
	$(MAKE) test-powercut CUTS=1000
	BODYCAMD_CHAOS=1 $(MAKE) test-chaos
	$(MAKE) test-chaos-stores
	$(MAKE) soak RECORDINGS=300
	$(MAKE) mutants

clean: ## remove what the targets made (not the Debian packages)
	rm -rf .venv build demo demo-station .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis bodycamd.egg-info
