-- Forty traces for the demo: problems that people meet with everyday tools, what they look like, what fixes them and why.
-- Load after `embedd traces init`, with psql -f. Loading again adds nothing.

BEGIN;

CREATE TEMPORARY TABLE sample (
  title text PRIMARY KEY, tags text[], trust_score numeric, context_text text, solution_text text
) ON COMMIT DROP;

INSERT INTO sample VALUES

-- git

('git push is rejected with "fetch first"', '{git,version-control}', 8,
$t$`git push` ends with "! [rejected] main -> main (fetch first)" and "Updates were rejected because the remote contains work that you do not have locally". A colleague pushed to the same branch since the last fetch, so moving the remote branch to your commit would drop theirs.$t$,
$t$Put your commits on top of theirs: `git pull --rebase`, solve conflicts file by file, `git rebase --continue`, then push again. Set it as the habit with `git config --global pull.rebase true`. Do not answer with `git push --force`: it deletes the colleague's commits from the branch. If you rewrote your own published branch on purpose, use `git push --force-with-lease`, which refuses when the remote is not what you last saw. (Beware of editors that fetch in the background: they renew what you "last saw".)$t$),

('Commits vanished after checking out another branch', '{git,version-control}', 9,
$t$Several commits were made after `git checkout v2.3` or in the middle of a bisect. Git had said "You are in 'detached HEAD' state". After switching back to main the commits are in no branch and `git log` does not show them.$t$,
$t$The commits are still in the object database; only no name points at them. `git reflog` lists every position that HEAD had, newest first. Find the last of the lost commits and give it a name: `git branch rescued 4f2c1ab`. Then merge or cherry-pick it. Unreachable commits are kept for 30 days by default (gc.reflogExpireUnreachable), so there is no hurry but also no forever. To avoid it, make a branch before committing: `git switch -c fix-parser v2.3`.$t$),

('A large file in the history makes the server refuse the push', '{git,github,version-control}', 7,
$t$GitHub answers a push with "remote: error: File dump.sql is 312.00 MB; this exceeds GitHub's file size limit of 100.00 MB". Deleting the file with `git rm` and committing changes nothing: the next push fails with the same message.$t$,
$t$A push sends every commit, and an earlier one still contains the file, so it has to leave the history. If only the last commit has it: `git rm --cached dump.sql && git commit --amend`. If it is further back and unpublished: `git filter-repo --path dump.sql --invert-paths` (a separate tool, successor of filter-branch), which rewrites all later commits. Add the file to .gitignore. If such files belong to the project, use Git LFS: `git lfs track '*.sql'` before adding them, or `git lfs migrate import --include='*.sql'` for those already committed.$t$),

('Every line of a file shows as changed although nothing was edited', '{git,windows,version-control}', 6,
$t$`git diff` shows a whole file as removed and added again, and `git diff --ignore-space-at-eol` shows nothing. It happens between colleagues on Windows and Linux, or after an editor saved the file: the line endings went from LF to CRLF.$t$,
$t$Let the repository decide instead of each machine. Commit a `.gitattributes` with `* text=auto`, and exceptions where the ending matters: `*.sh text eol=lf`, `*.bat text eol=crlf`, `*.png binary`. Then convert what is stored once: `git add --renormalize . && git commit -m "Normalize line endings"`. From then on files are stored with LF and checked out as each platform likes. The setting core.autocrlf alone does not solve it, because it differs from machine to machine.$t$),

-- docker

('Docker container exits at once with code 0', '{docker,containers}', 9,
$t$`docker run -d myimage` prints an id, but `docker ps` is empty; `docker ps -a` says "Exited (0) 2 seconds ago", and the logs hold no error. The Dockerfile ends with `CMD service nginx start`, or with a script that starts a daemon.$t$,
$t$A container lives exactly as long as its first process. `service nginx start` puts nginx in the background and returns, so the first process is done, successfully, and the container stops. Run the server in the foreground as the container's own process: `CMD ["nginx", "-g", "daemon off;"]`, `CMD ["apachectl", "-D", "FOREGROUND"]`, `CMD ["redis-server", "--daemonize", "no"]`. In an entrypoint script, end with `exec "$@"` so that the server replaces the shell. An interactive shell as the command exits at once too unless it is given a terminal: `docker run -it`.$t$),

('docker build: COPY failed, file not found in build context', '{docker,containers,build}', 8,
$t$`COPY ../config/app.yaml /etc/app.yaml` or `COPY dist/ /srv/` fails during docker build with "failed to compute cache key: "/dist": not found" or "COPY failed: file not found in build context". The file is there on disk.$t$,
$t$The builder sees only the build context, the folder given as last argument of `docker build`, and never anything above it. Build from the folder that contains everything and name the Dockerfile: `docker build -f docker/Dockerfile .`; paths in COPY are relative to the context, not to the Dockerfile. If the path is right, look into `.dockerignore`: `dist` or `*` there hides files from COPY (an exception is written `!dist/app.js`). With compose, `build: {context: .., dockerfile: docker/Dockerfile}`.$t$),

('No space left on device although the volume is small: Docker fills the disk', '{docker,linux,disk}', 7,
$t$Builds or a database in a container fail with "no space left on device". `df -h` shows / full, and `du` finds tens of gigabytes below /var/lib/docker.$t$,
$t$`docker system df` says what it is. Build cache and old images: `docker builder prune` and `docker image prune -a --filter until=240h`; volumes are data, so look before `docker volume prune`. If the space is in /var/lib/docker/containers/*/*-json.log, a container's output was never rotated: the default json-file driver has no limit. Set `{"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}` in /etc/docker/daemon.json, restart docker, and recreate the containers, since a container keeps the options it was created with.$t$),

('A container cannot reach a server on the host''s localhost', '{docker,networking}', 8,
$t$An application in a container gets "connection refused" for localhost:5432, while PostgreSQL runs on the same machine and `psql -h localhost` works outside the container.$t$,
$t$In a container, localhost is the container itself. Use the host's name as seen from inside: `host.docker.internal` on Docker Desktop, and on Linux the same after `docker run --add-host=host.docker.internal:host-gateway` (compose: `extra_hosts: ["host.docker.internal:host-gateway"]`). The server must also listen there: PostgreSQL needs `listen_addresses` with the bridge's address (usually 172.17.0.1) or '*', and a line in pg_hba.conf for 172.16.0.0/12. Between containers use no host at all: put them on one network and connect to the service's name, such as `db:5432`.$t$),

('docker stop takes ten seconds and the process is killed', '{docker,signals,containers}', 8,
$t$`docker stop` hangs for ten seconds, the exit code is 137, and the application's shutdown handler never runs: no flushed buffers, no closed connections. The image starts a script whose last line is `python app.py`, or has the shell form `CMD python app.py`.$t$,
$t$The shell is process 1, gets the SIGTERM and does not pass it on; after the grace period Docker sends SIGKILL (128 + 9 = 137). End the script with `exec python app.py`, so that the program takes the shell's place, and write CMD in exec form, `CMD ["python", "app.py"]` (some shells replace themselves for a single command, but do not build on it). Process 1 also has no default signal actions: a program that installs no SIGTERM handler ignores the signal. Install one, or run with `docker run --init`, which puts a tiny init in front that forwards signals and reaps zombies. Lengthen the grace period with `docker stop -t 60` or compose's `stop_grace_period`.$t$),

-- PostgreSQL

('Database connection pool runs out of connections', '{postgresql,connection-pool,backend}', 10,
$t$Under load requests time out with "QueuePool limit of size 5 overflow 10 reached, connection timed out" or "remaining connection slots are reserved for roles with the SUPERUSER attribute". The database's CPU is nearly idle. Raising the pool's size helps for a day.$t$,
$t$First see what the connections do: `SELECT state, count(*), max(now() - state_change) FROM pg_stat_activity GROUP BY state`. Many "idle in transaction" means that code takes a connection and then waits for something slow (an HTTP call, a file, a user): return it before, or open the transaction later. Many plain "idle" beyond the pool's size means leaks: a path that does not return the connection, usually an error path; use `with`, `defer` or `finally`. Only then size the pool: the number of processes times the pool's size must stay below max_connections, and a database with 8 cores does its best work with some 20 active connections. If there are many processes, put PgBouncer in transaction mode in front.$t$),

('PostgreSQL scans the whole table although the column is indexed', '{postgresql,performance,index}', 9,
$t$`SELECT * FROM users WHERE lower(email) = 'ann@example.com'` takes seconds; EXPLAIN shows "Seq Scan on users" with a filter, although email has an index. The same happens with `WHERE created_at::date = '2026-03-01'` and with `name LIKE 'abc%'`.$t$,
$t$An index is used only for the expression that it was built on. Either index the expression, `CREATE INDEX ON users (lower(email))`, or write the condition on the bare column: `created_at >= '2026-03-01' AND created_at < '2026-03-02'`. LIKE with a prefix needs the "C" collation or an index with text_pattern_ops, because the order of other collations is not byte order. Also compare types: a bigint column against a numeric parameter converts the column, and the index is out. If the condition matches a large part of the table, a sequential scan really is faster; after bulk loads run ANALYZE so that the planner knows. Check with `EXPLAIN (ANALYZE, BUFFERS)`.$t$),

('Table grows and grows: autovacuum does not clean up', '{postgresql,vacuum,performance}', 8,
$t$A table with few live rows takes gigabytes. `VACUUM VERBOSE` reports "40000000 dead row versions cannot be removed yet, oldest xmin: 81235123". Autovacuum runs, but the bloat stays and queries get slower from hour to hour.$t$,
$t$A dead row can go only when no snapshot might still see it. Something holds an old one; look in four places: long or idle transactions (`SELECT pid, state, backend_xmin, xact_start FROM pg_stat_activity ORDER BY age(backend_xmin) DESC NULLS LAST`), abandoned replication slots (`pg_replication_slots.xmin`, `catalog_xmin`), a standby with hot_standby_feedback and a long query, and forgotten prepared transactions (`pg_prepared_xacts`). End the culprit (`pg_terminate_backend`, `pg_drop_replication_slot`, `ROLLBACK PREPARED`), then vacuum. Prevent it with `idle_in_transaction_session_timeout = '5min'`. Vacuum makes the space reusable; to give it back to the disk use pg_repack, or VACUUM FULL, which locks the table.$t$),

('ALTER TABLE waits, and every query on the table waits behind it', '{postgresql,locks,migration}', 9,
$t$A migration that takes a millisecond in staging (`ALTER TABLE orders ADD COLUMN note text`) hangs in production, and within seconds the whole site is down: all queries on orders wait, even plain SELECTs.$t$,
$t$ALTER TABLE needs an ACCESS EXCLUSIVE lock. It waits for the oldest transaction that has touched the table, and lock requests queue in order, so everybody who comes later waits behind the waiting ALTER. See who blocks: `SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0`. In migrations always `SET lock_timeout = '2s'` and retry some time later: the ALTER gives up before the queue gets long. Make the locked part short: add constraints as NOT VALID and VALIDATE them in a second step, build indexes CONCURRENTLY.$t$),

('Duplicate key value violates unique constraint on a fresh insert', '{postgresql,restore,sequence}', 7,
$t$After a data import or a restore of single tables, inserts without an id fail: ERROR: duplicate key value violates unique constraint "users_pkey", DETAIL: Key (id)=(17) already exists. Each retry fails with the next number, until one succeeds.$t$,
$t$Rows were inserted with explicit ids, and that does not advance the sequence behind the column, which now hands out numbers that exist. Set it behind the highest id: `SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM users), false)`. pg_get_serial_sequence finds the sequence of both serial and identity columns. A complete pg_dump does it by itself; `--data-only --table=users` does too only if the sequence is dumped with it. With `GENERATED ALWAYS AS IDENTITY` such inserts would have been refused in the first place.$t$),

('FATAL: Peer authentication failed for user "postgres"', '{postgresql,authentication,linux}', 7,
$t$`psql -U postgres` on a new Debian or Ubuntu server fails with 'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL: Peer authentication failed for user "postgres"'. No password was ever asked for.$t$,
$t$Over the Unix socket the default rule in pg_hba.conf is `peer`: the operating system's user must have the same name as the database role. So become that user: `sudo -u postgres psql`. For your own login create a role of the same name: `sudo -u postgres createuser --createdb $USER`. An application that shall use a password connects over TCP, `psql -h localhost -U app`, which the rule `host ... scram-sha-256` covers. If you edit pg_hba.conf, remember that the first matching line wins, and reload with `SELECT pg_reload_conf()`; `SELECT * FROM pg_hba_file_rules` shows what was understood.$t$),

('Vector search with a WHERE clause returns too few rows', '{postgresql,pgvector,search}', 8,
$t$`SELECT id FROM items WHERE tenant_id = 7 ORDER BY embedding <=> $1 LIMIT 10` returns two rows, sometimes none, although the tenant has thousands. Without the HNSW index the result is complete.$t$,
$t$An HNSW index yields its nearest hnsw.ef_search candidates (40 by default), and only then the filter is applied; if one row in twenty belongs to the tenant, two of forty survive. With pgvector 0.8, `SET hnsw.iterative_scan = strict_order` (or relaxed_order, faster and slightly out of order) makes the index continue until the limit is met or hnsw.max_scan_tuples is reached. Before 0.8 raise hnsw.ef_search. For a few large groups use partial indexes, `CREATE INDEX ... WHERE tenant_id = 7`, or partition the table; for a very selective filter an ordinary index on tenant_id and an exact sort of the few rows is both faster and complete.$t$),

-- node and npm

('npm install fails with ERESOLVE unable to resolve dependency tree', '{npm,node,dependencies}', 8,
$t$`npm install` stops with "npm ERR! code ERESOLVE ... Could not resolve dependency: peer react@"^17.0.0" from some-library@2.1.0", while the project has react 18. It worked with npm 6.$t$,
$t$Since npm 7 peer dependencies are installed and must fit. Read the message from the bottom: some-library declares that it works with react 17 only. `npm explain react` and `npm view some-library peerDependencies` show who wants what. The right fix is a version of the library that accepts your react (`npm outdated`, `npm install some-library@latest`). If there is none and you have tested that it works, say so for that one package in package.json: `"overrides": {"some-library": {"react": "$react"}}`. `--legacy-peer-deps` hides the conflict for the whole tree, also the real ones, and everyone has to remember the flag.$t$),

('EACCES: permission denied on npm install -g', '{npm,node,permissions}', 7,
$t$`npm install -g typescript` fails with "EACCES: permission denied, mkdir '/usr/lib/node_modules/typescript'". With sudo it works, but later files in ~/.npm belong to root and ordinary installs fail as well.$t$,
$t$Do not use sudo: packages run their install scripts, and they would run as root. Give npm a folder of your own for global packages: `npm config set prefix ~/.local` and make sure that ~/.local/bin is in PATH; or use a version manager (nvm, fnm, volta), which keeps each Node with its packages in your home. Repair what sudo left behind: `sudo chown -R $(id -u):$(id -g) ~/.npm`. For a tool needed once, `npx` runs it without installing: `npx -p typescript tsc --version`.$t$),

('JavaScript heap out of memory during the build', '{node,memory,build}', 7,
$t$A webpack or tsc build ends with "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory". The machine has 16 GB, most of it free; in CI it happens more often than on the laptop.$t$,
$t$V8 limits its heap by itself, to 2 to 4 GB depending on version and memory. Raise the limit for the process that needs it: `NODE_OPTIONS=--max-old-space-size=6144 npm run build`. In a container stay below its limit (about 75 percent), or the kernel kills the process instead, with exit code 137 and no message. If a server grows like this over hours, a higher limit only delays it: take two snapshots (`node --inspect`, Chrome's Memory tab, or `--heapsnapshot-near-heap-limit=2`) and compare which objects multiply; usual suspects are caches without a limit, listeners added per request, and timers never cleared.$t$),

('Error [ERR_REQUIRE_ESM]: require() of ES Module not supported', '{node,javascript,modules}', 7,
$t$After updating a dependency (chalk 5, node-fetch 3, nanoid 4) the program dies at start: "Error [ERR_REQUIRE_ESM]: require() of ES Module .../node_modules/chalk/source/index.js from app.js not supported".$t$,
$t$The new major version ships ES modules only, and the calling file is CommonJS, whose `require` is synchronous while ES modules load asynchronously. Three ways: load it dynamically, `const { default: chalk } = await import('chalk')` inside an async function; turn your package into ES modules, `"type": "module"` in package.json and `import` statements (then __dirname becomes import.meta.dirname, and relative imports need their file extension); or stay on the last CommonJS major, such as chalk 4. Node 22.12 and later allow require() of ES modules that have no top-level await. In TypeScript set "module": "nodenext", or the compiler turns your import back into a require.$t$),

-- C and C++

('CMake does not find an installed library', '{cmake,cpp,build}', 8,
$t$`find_package(fmt REQUIRED)` fails: "Could not find a package configuration file provided by "fmt" with any of the following names: fmtConfig.cmake, fmt-config.cmake". The library is installed.$t$,
$t$Two usual causes. Only the runtime package is there: on Debian headers and CMake files are in libfmt-dev, on Fedora in fmt-devel. Or it is installed outside the places that CMake searches: pass the prefix, not the folder of the file, `cmake -B build -DCMAKE_PREFIX_PATH=/opt/fmt` (several are separated by semicolons). See where it looks with `cmake --debug-find-pkg=fmt -B build`. A failed search is remembered in the cache as fmt_DIR-NOTFOUND; after changing things run `cmake --fresh -B build`. A library that has no CMake file but a .pc file is found with `find_package(PkgConfig)` and `pkg_check_modules(FOO REQUIRED IMPORTED_TARGET foo)`.$t$),

('Undefined reference although the library is given to the linker', '{cpp,linker,build}', 8,
$t$`g++ -lmylib main.o -o app` ends with "undefined reference to `parse(char const*)'". `nm -C libmylib.a | grep parse` shows that the function is in there.$t$,
$t$The linker reads its arguments from left to right, and from a static library it takes only what is missing at that moment. Before main.o nothing is missing, so the library is passed over. Put libraries after what uses them: `g++ main.o -lmylib -o app`; a library that uses another comes first. For circular needs, `-Wl,--start-group -la -lb -Wl,--end-group`. In CMake declare it with target_link_libraries, and the order follows. If the order is right, compare the names: a C library used from C++ needs `extern "C"` around its declarations, and "undefined reference to vtable for X" means that X's first virtual function that is not inline has no definition.$t$),

('GLIBCXX_3.4.30 not found when starting a program', '{cpp,linux,deployment}', 7,
$t$A program built on a new system fails on an older one: "./app: /lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by ./app)". In conda environments it happens on a single machine.$t$,
$t$The program was compiled with a newer GCC than the libstdc++ that it meets; symbols are only ever added, so old programs run on new libraries and not the reverse. Build on the oldest system that you support (a container of it is enough), or link the library in: `-static-libstdc++ -static-libgcc`. glibc itself (GLIBC_2.38 not found) cannot be treated that way; there building on the old system is the only clean answer. In conda an older libstdc++ in the environment shadows the system's: `conda install -c conda-forge libstdcxx-ng`. What a library offers: `strings /lib/x86_64-linux-gnu/libstdc++.so.6 | grep GLIBCXX`.$t$),

-- kubernetes

('Pod is in CrashLoopBackOff', '{kubernetes,containers,debugging}', 9,
$t$`kubectl get pods` shows CrashLoopBackOff and a growing number of restarts. `kubectl logs` is empty or shows only the first lines of the new attempt.$t$,
$t$CrashLoopBackOff is not the error but the waiting time between restarts (10 s, doubled up to 5 min). Ask the attempt that died: `kubectl logs POD --previous`, and `kubectl describe pod POD` for "Last State": exit code 137 with OOMKilled is memory, 143 is a SIGTERM, 1 is the program's own, 127 a command that does not exist in the image, 0 a program that simply finished (then it should be a Job). If the events say "Liveness probe failed", the kubelet kills a healthy but slow starter: add a startupProbe instead of a longer initial delay. For an image that dies too fast to look into: `kubectl debug POD -it --copy-to=debug --container=app -- sh`.$t$),

('ImagePullBackOff from a private registry', '{kubernetes,registry,containers}', 7,
$t$A pod stays in ErrImagePull, then ImagePullBackOff. `kubectl describe pod` says "pull access denied, repository does not exist or may require authorization", while `docker pull` of the same image works on the laptop.$t$,
$t$The node pulls the image, and it has none of your credentials. Create a secret, `kubectl create secret docker-registry regcred --docker-server=registry.example.com --docker-username=ci --docker-password=... -n myapp`, and name it in the pod's spec: `imagePullSecrets: [{name: regcred}]`; or once for all pods on the service account, `kubectl patch serviceaccount default -n myapp -p '{"imagePullSecrets":[{"name":"regcred"}]}'`. Secrets belong to one namespace: the usual mistake is that it exists, elsewhere. "manifest unknown" instead means that the tag is not there, "no match for platform in manifest" that it was built on an arm64 laptop for amd64 nodes: build with `--platform linux/amd64`.$t$),

('Container is OOMKilled although the node has free memory', '{kubernetes,memory,linux}', 8,
$t$Pods restart with "Last State: Terminated, Reason: OOMKilled, Exit Code: 137". The node has gigabytes to spare. A Java or Node service is hit more often than others.$t$,
$t$The limit that counts is the container's own, `resources.limits.memory`: the kernel enforces it on the control group and kills the process that asks for more. Measure before raising it: `kubectl top pod --containers` and the metric container_memory_working_set_bytes. Runtimes must know the limit: Java takes a quarter of it for the heap by default, so set -XX:MaxRAMPercentage=70 and leave the rest for threads, metaspace and buffers; Node needs --max-old-space-size, Go GOMEMLIMIT. Files written to an emptyDir with medium: Memory and to /dev/shm count too. If the use grows without end it is a leak, and a higher limit only makes the crash rarer. Set requests equal to what is used, or the scheduler overbooks the node.$t$),

('Service is unreachable: it has no endpoints', '{kubernetes,networking,debugging}', 8,
$t$`curl http://myservice` in the cluster gives "connection refused" or a timeout, while the pods run. `kubectl get endpointslices -l kubernetes.io/service-name=myservice` shows no addresses.$t$,
$t$A Service sends traffic to the ready pods that its selector matches, and no pod matches or none is ready. Compare `kubectl get svc myservice -o jsonpath='{.spec.selector}'` with `kubectl get pods --show-labels`: one different letter is enough, and both must be in the same namespace. If pods match, look at READY 0/1: a failing readiness probe takes a pod out. If addresses are listed and it still fails, targetPort must be the port that the process listens on (containerPort is only documentation), and the process must listen on 0.0.0.0, not on 127.0.0.1. Bypass the Service to tell which half is broken: `kubectl port-forward POD 8080:8080`.$t$),

-- nginx

('nginx answers 502 Bad Gateway from time to time', '{nginx,http,networking}', 8,
$t$A few requests in a thousand get 502. The error log says "upstream prematurely closed connection while reading response header from upstream" or "recv() failed (104: Connection reset by peer)". The application's log shows nothing at those times.$t$,
$t$With `keepalive` in the upstream block nginx reuses idle connections, and the application closes them after its own, shorter idle time. When both act in the same moment, the request goes to a closing connection. Make the application wait longer than nginx: nginx's `keepalive_timeout` in the upstream is 60 s, while Node's server.keepAliveTimeout is 5 s and gunicorn's --keep-alive 2 s; raise those to 75 s. Requests that may be repeated are retried on the next server by proxy_next_upstream (GET by default, POST not). If 502 comes all the time, it is another matter: "connect() failed (111: Connection refused)" is an application that does not run or listens elsewhere, "permission denied" is SELinux (`setsebool -P httpd_can_network_connect 1`).$t$),

('413 Request Entity Too Large when uploading a file', '{nginx,http,upload}', 7,
$t$Uploads above one megabyte fail with "413 Request Entity Too Large" from nginx; the application never sees the request. Behind a Kubernetes ingress it looks the same.$t$,
$t$nginx refuses bodies larger than client_max_body_size, 1 MB by default. Set it where it is needed, in `http`, `server` or `location`: `client_max_body_size 50m;`, then `nginx -t && systemctl reload nginx`. For the ingress-nginx controller it is the annotation `nginx.ingress.kubernetes.io/proxy-body-size: "50m"`. Every hop has such a limit: another proxy in front, PHP's upload_max_filesize and post_max_size, the framework's own. For large uploads also `proxy_request_buffering off;`, or nginx stores the whole file on its disk before the application sees a byte.$t$),

('nginx keeps sending requests to an old address of the backend', '{nginx,dns,docker}', 7,
$t$After the backend was redeployed and got a new IP address, nginx answers 502 or 504 until it is reloaded. `dig backend` shows the new address. Typical with docker compose, AWS load balancers and anything else whose addresses change.$t$,
$t$A host name in `proxy_pass http://backend:8080;` is resolved once, when the configuration is loaded. With a variable it is resolved at run time, and then nginx needs to be told which DNS server to ask: `resolver 127.0.0.11 valid=10s; set $backend http://backend:8080; proxy_pass $backend;` (127.0.0.11 is Docker's own DNS; use your network's elsewhere). Mind that with a variable the path is no longer rewritten by a URI in proxy_pass. Since nginx 1.27.3 the free version can do it in an upstream block: `server backend:8080 resolve;` with a `zone` and a `resolver`. It also lets nginx start while the backend does not exist yet.$t$),

-- python

('ModuleNotFoundError although pip says the package is installed', '{python,pip,environment}', 9,
$t$`pip install requests` says "Requirement already satisfied", but `python app.py` fails with "ModuleNotFoundError: No module named 'requests'". In VS Code or Jupyter it is the same, in the terminal it works.$t$,
$t$pip and python belong to two different interpreters. Ask both: `pip --version` shows a path, `python -c "import sys; print(sys.executable, sys.path)"` shows the other. Always install through the interpreter that will run the code: `python -m pip install requests`. Select the interpreter in VS Code ("Python: Select Interpreter"); in a notebook use `%pip install`, which targets the kernel. If the paths agree, look for a file of yours with the module's name: `requests.py` or a folder `requests` in the working directory hides the real one, and "partially initialized module" in the message is the sign of it.$t$),

('pip: error: externally-managed-environment', '{python,pip,debian}', 8,
$t$On Debian 12, Ubuntu 23.04 and later, Fedora or Homebrew, `pip install` refuses: "error: externally-managed-environment. This environment is externally managed". The same command worked on the previous release.$t$,
$t$The system's Python belongs to the package manager, and pip used to overwrite files that system tools need (PEP 668 ended that). For a project: `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` (Debian needs the package python3-venv). For a command-line tool: `pipx install httpie`, which gives each tool an environment of its own. For a library that the distribution has: `apt install python3-requests`. `--break-system-packages` does what its name says; in a throw-away container, where nothing else uses that Python, it is acceptable.$t$),

('SSL: CERTIFICATE_VERIFY_FAILED behind a company proxy', '{python,tls,proxy}', 7,
$t$requests, pip or an API client fails with "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain". In the browser the same address opens without a warning.$t$,
$t$The company's proxy opens TLS connections and signs them with its own authority. The browser trusts it through the system's store; Python's requests brings its own list (certifi) and does not know it. Export the authority's certificate as PEM, add it to the system's bundle (Debian: copy to /usr/local/share/ca-certificates/corp.crt, run update-ca-certificates), and point Python there: `REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt` and `SSL_CERT_FILE` with the same value; pip has `--cert`, or `--use-feature=truststore`, the default since 24.2. Node reads NODE_EXTRA_CA_CERTS. Do not use verify=False: it accepts every attacker too.$t$),

('asyncio program freezes while one task works', '{python,asyncio,performance}', 7,
$t$An asyncio service stops answering for seconds, health checks included, whenever a certain endpoint is called. It calls `requests.get`, `time.sleep`, a synchronous database driver, or parses a large file. More workers hide it.$t$,
$t$All coroutines share one thread, and it is given up only at an `await` that really waits. A blocking call keeps it. Use an asynchronous library (httpx, asyncpg, `await asyncio.sleep`), or move the call to a thread: `await asyncio.to_thread(requests.get, url)`. Work for the CPU goes to a process, `loop.run_in_executor(ProcessPoolExecutor(), f)`, since threads share the interpreter lock. Find the culprits with `asyncio.run(main(), debug=True)` or PYTHONASYNCIODEBUG=1: every step longer than 100 ms is logged with its place. In FastAPI, a handler declared with plain `def` runs in a thread pool already; declared `async def` it must not block.$t$),

-- rust

('Rust: cannot borrow as mutable because it is also borrowed as immutable', '{rust,borrow-checker}', 8,
$t$error[E0502]: cannot borrow `self.items` (or `*self`) as mutable because it is also borrowed as immutable. Typical code: `for item in self.items.iter() { self.update(item.id); }`, or `let first = &v[0]; v.push(1); println!("{first}");`.$t$,
$t$The compiler prevents a real accident: push may move the vector while `first` still points into it. End the shared borrow before the change: copy what is needed out of it (`let first = v[0];`, or clone), or collect the ids first, `let ids: Vec<_> = self.items.iter().map(|i| i.id).collect();`, and loop over those. Borrows of different fields do not conflict, but a method that takes `&mut self` borrows all of them: make `update` a function of the fields that it needs, `update(&mut self.stats, item.id)`. For an owned field, `std::mem::take(&mut self.items)` moves it out and leaves an empty one until you put it back. `retain_mut` and `iter_mut` cover many loops. RefCell moves the check to run time; keep it for real graphs.$t$),

('cargo build fails in openssl-sys: could not find directory of OpenSSL installation', '{rust,cargo,openssl,build}', 7,
$t$A build stops with "error: failed to run custom build command for openssl-sys v0.9" and "Could not find directory of OpenSSL installation". It happens in slim images, on new machines, and when cross-compiling or building for musl.$t$,
$t$The crate binds the system's OpenSSL and needs its headers and pkg-config: Debian `apt install pkg-config libssl-dev`, Fedora `dnf install pkgconf openssl-devel`, macOS `brew install openssl@3 pkg-config`. If you do not need that very library, use TLS written in Rust and lose the dependency: `reqwest = { version = "0.12", default-features = false, features = ["rustls-tls"] }`; `cargo tree -i openssl-sys` shows who pulls it in. For static musl or cross builds where OpenSSL has to stay, let cargo compile it: `openssl = { version = "0.10", features = ["vendored"] }` (needs perl and make).$t$),

-- linux, systemd, ssh

('Service works by hand but fails under systemd', '{systemd,linux,environment}', 8,
$t$A program that runs fine in the terminal fails as a unit, with "status=203/EXEC", "command not found", "No such file or directory" for a relative path, or as if its environment variables were not set.$t$,
$t$A unit gets none of your shell: no .bashrc, a short PATH, / as the working directory, another user. Write absolute paths in ExecStart; 203/EXEC is a wrong path, a missing execute bit, or a script without a #! line. Set `WorkingDirectory=`, `User=` and `Environment=` or `EnvironmentFile=` (lines of KEY=value, no `export`). ExecStart is not a shell: pipes, && and ~ need `/bin/sh -c '...'`. Hardening options hide things too: with ProtectHome=yes /home is empty, with PrivateTmp=yes /tmp is another one. Look with `journalctl -u NAME -b`, `systemctl show NAME -p Environment`, and repeat the conditions by hand: `systemd-run --pty -p User=app -p WorkingDirectory=/srv/app /usr/bin/env`.$t$),

('Permission denied (publickey) although the key is installed', '{ssh,linux,authentication}', 9,
$t$`ssh user@host` ends with "Permission denied (publickey)" or falls back to a password, although the public key is in ~/.ssh/authorized_keys on the server. For another user on the same server it works.$t$,
$t$Ask both sides. `ssh -v user@host` shows which keys are offered; if yours is not, name it with `-i` or IdentityFile (a full agent may use up the allowed tries first: IdentitiesOnly yes). If it is offered and refused, the server's log has the reason: `journalctl -u ssh` (sshd on other systems). The most frequent: "bad ownership or modes": home, ~/.ssh and authorized_keys must not be writable by others, `chmod go-w ~ && chmod 700 ~/.ssh && chmod 600 ~/.ssh/authorized_keys`. Then: a key broken over two lines by pasting; an old ssh-rsa signature, refused since OpenSSH 8.8 (make an ed25519 key); AllowUsers in sshd_config; on SELinux systems `restorecon -R ~/.ssh`.$t$),

('Disk is full but du cannot find the files', '{linux,disk,debugging}', 8,
$t$`df -h` shows a file system at 100 percent, while `du -sh /` adds up to far less. Deleting old logs did not help. Programs fail with "No space left on device".$t$,
$t$A deleted file keeps its blocks while a process has it open. `lsof +L1` lists such files (link count 0) with their size and process. Restart the process, or empty the file through its descriptor: `: > /proc/PID/fd/4`. To empty a log that is being written use `truncate -s 0 app.log`, not rm; logrotate has copytruncate for programs that cannot reopen their log. Three other explanations: no inodes left (`df -i`), usually millions of tiny session or cache files; data below a mount point, hidden by what is mounted over it (`mount --bind / /mnt && du -sh /mnt`); and the 5 percent that ext4 reserves for root.$t$),

-- ffmpeg

('ffmpeg: cut video starts with a black or frozen picture', '{ffmpeg,video}', 7,
$t$`ffmpeg -ss 00:01:07 -i in.mp4 -t 30 -c copy out.mp4` is fast, but the result starts black or frozen while the sound already plays, or it begins seconds earlier than asked.$t$,
$t$With `-c copy` nothing is decoded, and a picture can be decoded only from a keyframe on. So the cut happens at the keyframe before the wanted time, and players hide the pictures between by an edit list, or fail to. Either take a keyframe as the start (`ffprobe -select_streams v -skip_frame nokey -show_entries frame=pts_time -of csv=p=0 in.mp4` lists them) or encode again, which is exact to the frame: `ffmpeg -ss 00:01:07 -i in.mp4 -t 30 -c:v libx264 -crf 18 -c:a aac out.mp4`. Keep -ss before -i: it jumps through the index; after -i everything up to there is decoded and thrown away.$t$);

INSERT INTO tags (name)
SELECT DISTINCT unnest(tags) FROM sample
ON CONFLICT DO NOTHING;

-- The id follows from the title, so that a second run finds the rows of the first.
INSERT INTO traces (id, title, context_text, solution_text, trust_score)
SELECT md5('sample: ' || title)::uuid, title, context_text, solution_text, trust_score FROM sample
ON CONFLICT DO NOTHING;

INSERT INTO trace_tags (trace_id, tag_id)
SELECT md5('sample: ' || title)::uuid, tags.id FROM sample, unnest(sample.tags) AS tag JOIN tags ON tags.name = tag
ON CONFLICT DO NOTHING;

COMMIT;
