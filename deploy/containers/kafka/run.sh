#!/bin/bash
# As the official image: KAFKA_A_B=v becomes a.b=v in server.properties; the storage is formatted once, as CLUSTER_ID says.
set -euo pipefail
CONFIGURATION=/opt/kafka/run/server.properties
DATA=/var/lib/kafka/data
SOME_CLUSTER_ID=5L6g3nShT-eMCtK--X86sw # the official image's own default

# shellcheck disable=SC2054  # the commas are Kafka's
declare -A properties=(
  [node.id]=1
  [process.roles]=broker,controller
  [controller.listener.names]=CONTROLLER
  [controller.quorum.voters]=1@localhost:9093
  [listeners]=PLAINTEXT://:9092,CONTROLLER://:9093
  [advertised.listeners]=PLAINTEXT://localhost:9092
  [listener.security.protocol.map]=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
  [inter.broker.listener.name]=PLAINTEXT
  [log.dirs]=$DATA
  [offsets.topic.replication.factor]=1
  [transaction.state.log.replication.factor]=1
  [transaction.state.log.min.isr]=1
)
while IFS='=' read -r -d '' name value; do
  case $name in
    KAFKA_HEAP_OPTS | KAFKA_JVM_PERFORMANCE_OPTS | KAFKA_OPTS | KAFKA_LOG4J_OPTS | KAFKA_VERSION | KAFKA_HOME) ;;
    KAFKA_*) # ___ is a dash, __ an underscore, _ a dot
      name=${name#KAFKA_} name=${name//___/-} name=${name//__/@} name=${name//_/.} name=${name//@/_}
      properties[${name,,}]=$value
      ;;
  esac
done </proc/self/environ
for name in "${!properties[@]}"; do printf '%s=%s\n' "$name" "${properties[$name]}"; done | sort >"$CONFIGURATION"

# shellcheck disable=SC2206  # several options in one variable
java=(java ${KAFKA_HEAP_OPTS:--Xms128m -Xmx512m} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError
  -Dlog4j2.configurationFile=file:/opt/kafka/config/log4j2.xml ${KAFKA_OPTS:-} -cp "/opt/kafka/libs/*")
if ! [ -f "$DATA/meta.properties" ]; then
  "${java[@]}" kafka.tools.StorageTool format -t "${CLUSTER_ID:-$SOME_CLUSTER_ID}" -c "$CONFIGURATION"
fi
exec "${java[@]}" kafka.Kafka "$CONFIGURATION"
