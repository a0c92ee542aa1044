{{- define "embedd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- /* The beginning of every object's name; 50 characters leave room for the longest ending. */}}
{{- define "embedd.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "embedd.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "embedd.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Takes {root, component}: what selects the pods of a component. */}}
{{- define "embedd.selector" -}}
app.kubernetes.io/name: {{ include "embedd.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Takes {root, component}. */}}
{{- define "embedd.labels" -}}
{{ include "embedd.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "embedd.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* The ConfigMap with embedd.toml; empty if there is none. */}}
{{- define "embedd.configMap" -}}
{{- if .Values.existingConfigMap }}{{ .Values.existingConfigMap }}
{{- else if .Values.config }}{{ include "embedd.fullname" . }}-config
{{- end }}
{{- end }}

{{- /* Takes {root, component}: the Secrets' keys that a component gets as files, as JSON: [{variable, name, key, path, optional}]. */}}
{{- define "embedd.secretFiles" -}}
{{- $secrets := .root.Values.secrets }}
{{- $own := dict "migrate" $secrets.migrationsDatabaseUrl "serve" $secrets.serveDatabaseUrl }}
{{- $database := get $own .component | default dict }}
{{- if not $database.name }}{{ $database = $secrets.databaseUrl }}{{ end }}
{{- $files := list (dict "variable" "DATABASE_URL_FILE" "path" "database_url" "secret" $database) }}
{{- if ne .component "migrate" }}
{{- $files = append $files (dict "variable" "OPENAI_API_KEY_FILE" "path" "openai_api_key" "secret" $secrets.openaiApiKey "optional" true) }}
{{- end }}
{{- if eq .component "worker" }}
{{- $files = append $files (dict "variable" "EMBEDD_LISTEN_URL_FILE" "path" "listen_url" "secret" $secrets.listenUrl) }}
{{- end }}
{{- if eq .component "serve" }}
{{- $files = append $files (dict "variable" "EMBEDD_API_TOKEN_FILE" "path" "api_token" "secret" $secrets.apiToken) }}
{{- $files = append $files (dict "variable" "REDIS_URL_FILE" "path" "redis_url" "secret" $secrets.redisUrl) }}
{{- end }}
{{- $out := list }}
{{- range $files }}
{{- if .secret.name }}
{{- $out = append $out (dict "variable" .variable "path" .path "name" .secret.name "key" .secret.key "optional" (.optional | default false)) }}
{{- end }}
{{- end }}
{{- if ne .component "migrate" }}
{{- range $secrets.files }}
{{- $out = append $out (dict "variable" "" "path" .path "name" .name "key" .key "optional" false) }}
{{- end }}
{{- end }}
{{- toJson $out }}
{{- end }}

{{- /* Takes {root, component, env}: the variables of a container. Later ones would win over earlier ones of the same name, so a name
       occurs once. */}}
{{- define "embedd.env" -}}
{{- $root := .root }}
{{- $env := dict "EMBEDD_LOG_FORMAT" "json" }}
{{- range fromJsonArray (include "embedd.secretFiles" .) }}
{{- if .variable }}{{ $_ := set $env .variable (printf "/run/secrets/embedd/%s" .path) }}{{ end }}
{{- end }}
{{- if ne .component "migrate" }}
{{- $port := (get $root.Values .component).port }}
{{- $_ := set $env "EMBEDD_HTTP" (printf "%s:%v" $root.Values.bindAddress $port) }}
{{- if include "embedd.configMap" $root }}{{ $_ := set $env "EMBEDD_CONFIG" "/etc/embedd/config/embedd.toml" }}{{ end }}
{{- end }}
{{- if and (eq .component "serve") $root.Values.serve.tlsSecret }}
{{- $_ := set $env "EMBEDD_TLS_CERT" "/run/secrets/tls/tls.crt" }}
{{- $_ := set $env "EMBEDD_TLS_KEY" "/run/secrets/tls/tls.key" }}
{{- end }}
{{- range $name, $value := mergeOverwrite $env $root.Values.env (.env | default dict) }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- /* Takes {root, component}. */}}
{{- define "embedd.volumeMounts" -}}
- name: secrets
  mountPath: /run/secrets/embedd
  readOnly: true
{{- if and (ne .component "migrate") (include "embedd.configMap" .root) }}
- name: config
  mountPath: /etc/embedd/config
  readOnly: true
{{- end }}
{{- if and (eq .component "serve") .root.Values.serve.tlsSecret }}
- name: tls
  mountPath: /run/secrets/tls
  readOnly: true
{{- end }}
{{- with .root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Takes {root, component}. */}}
{{- define "embedd.volumes" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range fromJsonArray (include "embedd.secretFiles" .) }}
      - secret:
          name: {{ .name }}
          optional: {{ .optional }}
          items:
            - key: {{ .key }}
              path: {{ .path }}
      {{- end }}
{{- if and (ne .component "migrate") (include "embedd.configMap" .root) }}
- name: config
  configMap:
    name: {{ include "embedd.configMap" .root }}
{{- end }}
{{- if and (eq .component "serve") .root.Values.serve.tlsSecret }}
- name: tls
  secret:
    secretName: {{ .root.Values.serve.tlsSecret }}
    defaultMode: 0440
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Of every pod. No pod speaks to Kubernetes, so the environment has no addresses of other services either. */}}
{{- define "embedd.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end }}

{{- /* Of every container. */}}
{{- define "embedd.container" -}}
image: {{ include "embedd.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{- /* Takes the values of a component: where its pods run. */}}
{{- define "embedd.scheduling" -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
{{- with get $ $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Takes {root, component}: annotations and labels of a component's pods. */}}
{{- define "embedd.podMetadata" -}}
{{- $values := get .root.Values .component }}
{{- $annotations := $values.podAnnotations }}
{{- if .root.Values.config }}
{{- $annotations = merge (dict "checksum/config" (sha256sum .root.Values.config)) $annotations }}
{{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
labels:
  {{- include "embedd.labels" . | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
