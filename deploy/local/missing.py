"""What is missing is named, with what to install."""

import re
import shutil
import subprocess

OLDEST_JAVA = 17


class Missing(SystemExit):
    """Something that has to be installed first."""


def find_java() -> str:
    """Return the path of a Java that is new enough. Raises Missing."""
    java = shutil.which("java")
    if java is None:
        raise Missing("Java 17 or newer is missing. Install it, for example: apt-get install openjdk-17-jre-headless")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', said.stderr + said.stdout)
    if found is None or int(found[1]) < OLDEST_JAVA:
        version = found[1] if found else "unknown"
        raise Missing(
            f"Java {version} is too old: Kafka needs 17. For example: apt-get install openjdk-17-jre-headless"
        )
    return java


def find_maven() -> str:
    """Return the path of Maven. Raises Missing."""
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing("Maven is missing: it fetches Apache Kafka. Install it, for example: apt-get install maven")
    return maven
