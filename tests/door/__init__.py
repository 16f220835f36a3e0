"""Tests of the door: frames, transports, relay, gateway, reports. Real processes, sockets, SDK; loopback only."""
