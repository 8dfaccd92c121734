"""Beam's job servers for Flink and Spark, each one jar with everything in it, made by maven's shade plugin.

On a user's machine Beam downloads such a jar. Here it is made from the library artifact and its dependencies.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clusters.distributions import spark_home
from made_once import CLUSTERS, run, tool

BEAM_JAVA_VERSION = "2.62.0"
"""The newest version with all dependencies available. It works with the SDK of requirements.txt; in production use one version for both."""


@dataclass(frozen=True)
class JobServer:
    """A job server: its library artifact, its main class, and the folder of the other jars that it needs."""

    name: str
    artifact: str
    main_class: str
    distribution: Callable[[], Path] | None = None

    def jar(self) -> Path:
        """The jar, made the first time."""
        pom = _POM.format(name=self.name, artifact=self.artifact, version=BEAM_JAVA_VERSION, main=self.main_class, manifest=self._manifest())

        def make(folder: Path) -> None:
            maven = tool("mvn", "to make Beam's job servers")
            tool("java", "to run Flink, Spark and Beam's job servers")
            (folder / "pom.xml").write_text(pom)
            run([maven, "--batch-mode", "--quiet", "package"], folder)
            (folder / "target" / f"{self.name}-job-server.jar").rename(folder / f"{self.name}-job-server.jar")
            shutil.rmtree(folder / "target")

        # a jar of an older recipe must not be used for this one
        recipe = hashlib.sha256(pom.encode()).hexdigest()[:8]
        return CLUSTERS.made(f"{self.name}-job-server-{BEAM_JAVA_VERSION}-{recipe}", make) / f"{self.name}-job-server.jar"

    def _manifest(self) -> str:
        if self.distribution is None:
            return ""
        # Beam's own Spark job server contains Spark; this one uses that of the distribution
        beside = " ".join(f"file:{jar}" for jar in sorted((self.distribution() / "jars").glob("*.jar")))
        return f"<manifestEntries><Class-Path>{beside}</Class-Path></manifestEntries>"


FLINK_JOB_SERVER = JobServer("flink", "beam-runners-flink-1.19", "org.apache.beam.runners.flink.FlinkJobServerDriver")
SPARK_JOB_SERVER = JobServer("spark", "beam-runners-spark-3", "org.apache.beam.runners.spark.SparkJobServerDriver", spark_home)

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>beam-distill</groupId>
  <artifactId>{name}-job-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.beam</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>
    <!-- without a binding the driver logs nothing -->
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.30</version></dependency>
  </dependencies>
  <build>
    <finalName>{name}-job-server</finalName>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-shade-plugin</artifactId>
        <version>3.6.0</version>
        <executions><execution><phase>package</phase><goals><goal>shade</goal></goals></execution></executions>
        <configuration>
          <createDependencyReducedPom>false</createDependencyReducedPom>
          <filters><filter><artifact>*:*</artifact><excludes>
            <exclude>META-INF/*.SF</exclude><exclude>META-INF/*.DSA</exclude><exclude>META-INF/*.RSA</exclude>
          </excludes></filter></filters>
          <transformers>
            <transformer implementation="org.apache.maven.plugins.shade.resource.ServicesResourceTransformer"/>
            <transformer implementation="org.apache.maven.plugins.shade.resource.AppendingTransformer">
              <resource>reference.conf</resource>
            </transformer>
            <transformer implementation="org.apache.maven.plugins.shade.resource.ManifestResourceTransformer">
              <mainClass>{main}</mainClass>
              {manifest}
            </transformer>
          </transformers>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
