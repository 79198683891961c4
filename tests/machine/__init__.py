"""The camera in a virtual machine: this checkout as scripts/install leaves it, on Debian's kernel, booted by QEMU without KVM.

A job is `jobs/NAME.py` with a function `main()`. It runs in the machine as root, with the standard library and `jobs/guest.py` (the control
socket, the simulated button, the ledger), loads what it needs (`run("modprobe", "snd-aloop")`) and tells what it saw: `tell("seen", {…})`
is `seen.json` of the share. Its test on the host, `test_NAME.py`, puts configuration and films into the share, boots, and judges:

    share = make_share(tmp_path, CONFIGURATION)
    machine.run(share, "sound", devices=["-device", "i6300esb"])

`machine` is a fixture: a disk of its own for each test module. What the image has: systemd, udev, all modules of Debian's amd64 kernel
(snd-dummy, snd-aloop, i2c-stub, i6300esb, …), alsa-utils, i2c-tools, and picamera2 in /opt/bodycamd/current.

    make test-machine                    # makes build/trixie (minutes, once) and build/machine (a minute), then runs all jobs
    scripts/test-machine -k sound        # one of them
    BODYCAMD_KEEP_MACHINE=yes scripts/test-machine -k sound      # without making the image again: only job and test have changed

`cp -a build/trixie` of another checkout saves the first minutes. Two at once: `-n 2 --dist loadfile`. All are of
`make nightly`, `sound` and `power` of CI too.
"""
