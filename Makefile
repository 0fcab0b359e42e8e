# What there is to do in this repository; `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help run verify rebuild test nightly fuzz schemathesis e2e e2e-deploy bench bench-cold native lint generate fmt build synth deploy invoke sam localstack-up localstack-down deploy-local deploy-built destroy-local clean gofmt vet

# The processor of the deployed functions, by Lambda's name for it: arm64 or x86_64.
ARCH := arm64

# The one of this machine, for functions that run here.
HOST_ARCH = $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# jsii announces the end of Node 20, the oldest that will do here, in a large box at every start.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# The race detector is a C library: without a C compiler the tests have to do without it.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

help: ## list this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

run: localstack/node_modules/.package-lock.json ## start everything on this machine (PORT=8080 DATA_DIR=.local MODE=process); Ctrl-C ends it
	@test -x build/stack || echo "build      the stack, which takes a minute the first time"
	@go build -buildvcs=false -o build/stack ./localstack
	@$(if $(filter lambda,$(MODE)),$(MAKE) --no-print-directory native)
	@# make hands a SIGTERM to its child alone, so that the child has to be the stack itself.
	@exec build/stack

verify: ## check every stream of the running stack, and its views against them (DATA_DIR=.local)
	@go run ./localstack/verify

rebuild: ## rebuild a view of the running stack and switch to it (VIEW=users DATA_DIR=.local)
	@go build -buildvcs=false -o build/rebuild ./localstack/rebuild
	@exec build/rebuild -view "$(VIEW)"

test: localstack/node_modules/.package-lock.json native vet gofmt ## run every test that needs only Go and npm
	@test -n "$(RACE)" || echo "no C compiler: testing without the race detector"
	go test $(RACE) -timeout 20m $$(go list ./... | grep -v -e '/infra$$' -e '/projection$$' -e '/payment$$' -e '/internal/app$$')
	@# Of the simulators' random schedules a few are enough for the race detector, which makes
	@# each take ten times as long. The CDK takes a minute to compile with it, and the test runs
	@# the app as a program of its own, which it would not see.
	go test $(RACE) -timeout 10m ./internal/projection ./internal/payment -schedules 1000
	go test -timeout 10m ./internal/projection ./internal/payment ./infra
	@# This one measures how long logins take, so nothing else runs at the same time.
	go test $(RACE) -timeout 20m ./internal/app

nightly: localstack/node_modules/.package-lock.json ## run the random tests many times over; takes a night
	go test ./internal/projection -schedules 1000000 -timeout 60m
	go test ./internal/payment -schedules 100000 -timeout 30m
	go test ./localstack -run HoweverOftenTheStackIsKilled -kills 50 -timeout 30m
	go test ./internal/dynamo -run Rebuild -rebuild-events 1000000 -v -timeout 30m
	go test ./internal/dynamo/trust -trials 200 -commands 100000 -rapid.checks 1000 -timeout 60m
	$(MAKE) fuzz FUZZTIME=10m

# How long each fuzz target runs.
FUZZTIME := 60s

fuzz: localstack/node_modules/.package-lock.json ## look for bytes that break a decoder (FUZZTIME=60s for each)
	@mkdir -p build
	@echo "fuzz       looks for the targets, which compiles all tests the first time"
	@# The CDK app, which takes minutes to compile, decodes nothing.
	@go test -list '^Fuzz' $$(go list ./... | grep -v '/infra') | awk '/^Fuzz/ { targets[n++] = $$1 } \
		/^ok/ { for (i = 0; i < n; i++) print $$2, targets[i]; n = 0 } /^FAIL/ { exit 1 }' > build/fuzz
	@n=0; all=$$(wc -l < build/fuzz); start=$$(date +%s); while read -r package target; do \
		n=$$((n + 1)); echo "fuzz       $$n of $$all: $$target in $${package#*annals/}, for $(FUZZTIME)"; \
		go test "$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x > build/fuzz.log 2>&1 || \
			{ cat build/fuzz.log; echo "fuzz       $$target failed; its case is in testdata/fuzz/$$target of its package"; exit 1; }; \
		done < build/fuzz; echo "fuzz       $$all targets ran clean in $$(( $$(date +%s) - start )) s"

schemathesis: localstack/node_modules/.package-lock.json build/python/schemathesis/installed ## test the API with requests made from its OpenAPI document
	go test ./localstack -tags schemathesis -run '^TestTheAPIIsAsItsDocumentSays$$' -count 1 -timeout 20m -v

e2e: ## deploy to MiniStack, an emulator of AWS, and run the whole scenario there; needs Linux and Python 3.11 or later
	@$(MAKE) --no-print-directory e2e-deploy
	@$(MAKE) --no-print-directory sam ARCH=$(HOST_ARCH)
	@$(MAKE) --no-print-directory schemathesis

e2e-deploy: infra/node_modules/.package-lock.json build/python/ministack/installed
	@mkdir -p build
	@echo "build      the end-to-end tests"
	@go test -tags e2e -c -o build/e2e.test ./localstack/e2e
	@exec build/e2e.test

bench: localstack/node_modules/.package-lock.json ## measure costs, folds, loads and appends (numbers go to build/bench.json)
	@go run ./localstack/bench
	@go test -run '^$$' -bench . -cpu 1 ./localstack/bench

bench-cold: localstack/node_modules/.package-lock.json ## measure cold starts of all functions beside a bare one (numbers go to build/bench-cold.json)
	@go run ./infra/build -native build/native ./localstack/bench/hello
	@go run ./localstack/bench/cold

lint: vet gofmt ## look for mistakes without running anything
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags e2e,sam,schemathesis ./localstack ./localstack/e2e
	go mod verify
	go mod tidy -diff

generate: ## write anew what is drawn from the code: the diagram, the OpenAPI document, the list of calls, the catalogue of events, payloads, licences
	go test ./internal/openapi/... ./internal/topology ./infra/build ./localstack/invoke -update

fmt: ## format the Go files
	gofmt -w $(GO_FILES)

build: ## compile the functions into build/*.zip (ARCH=arm64)
	@go run ./infra/build -arch $(ARCH)

native: ## compile the functions for this machine into build/native/, for MODE=lambda
	@go run ./infra/build -native build/native

synth: build infra/node_modules/.package-lock.json ## write the CloudFormation template to cdk.out/
	@echo "build      the CDK app, which takes a minute the first time"
	@mkdir -p build/home
	@# In a home of its own the CDK looks for no account, which a template does not need, but Go
	@# has to be told where its caches are.
	@HOME="$(CURDIR)/build/home" GOCACHE="$(shell go env GOCACHE)" GOMODCACHE="$(shell go env GOMODCACHE)" \
		AWS_EC2_METADATA_DISABLED=true $(CDK) synth --ci >/dev/null
	@ls cdk.out/*.template.json

deploy: build infra/node_modules/.package-lock.json ## deploy to the AWS account of the current credentials (CONTEXT="-c name=annals")
	$(CDK) deploy

invoke: native build/python/sam/installed ## run a built function once, by the Lambda emulator of the SAM CLI (FN=query EVENT=health DATA_DIR=.local)
	@go run ./localstack/invoke -fn "$(FN)" -event "$(EVENT)"

# What sam build calls for a function whose BuildMethod is makefile.
build-%Function:
	@CGO_ENABLED=0 GOOS=linux GOARCH=$(if $(filter arm64,$(ARCH)),arm64,amd64) go build -tags lambda.norpc,nethttpomithttp2 -trimpath -ldflags "-s -w" \
		-o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$$(echo $* | sed 's/\(.\)\([A-Z]\)/\1-\2/g' | tr A-Z a-z)

sam: native synth build/python/sam/installed ## check the template with the SAM CLI, and invoke every payload in events/payloads
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 build/python/sam/bin/sam validate
	@d=$$(mktemp -d) && trap 'rm -r "$$d"' EXIT && $(MAKE) --no-print-directory build-CommandAuthFunction ARTIFACTS_DIR="$$d" && test -x "$$d/bootstrap"
	go test ./localstack -tags sam -run EveryPayload -count 1

localstack-up: ## start LocalStack in Docker (LOCALSTACK_AUTH_TOKEN)
	@docker compose -f localstack/compose.yaml up --detach --wait

localstack-down: ## stop LocalStack and forget what it has
	@# Compose wants the variable of its file for everything it does.
	@LOCALSTACK_AUTH_TOKEN=none docker compose -f localstack/compose.yaml down --volumes

deploy-local: infra/node_modules/.package-lock.json ## deploy to LocalStack, MiniStack or the like (ENDPOINT=http://127.0.0.1:4566)
	@node -e 'fetch("$(ENDPOINT)").then(() => process.exit(), () => process.exit(1))' || \
		{ echo "nothing answers at $(ENDPOINT): make localstack-up starts LocalStack, and ENDPOINT names another emulator"; exit 1; }
	@$(MAKE) --no-print-directory build ARCH=$(HOST_ARCH)
	@$(MAKE) --no-print-directory deploy-built

# What make deploy-local does once the functions are built.
deploy-built:
	@# Without the app, which would be compiled and run to no use, and write to cdk.out/.
	@$(CDKLOCAL) bootstrap --app '' aws://000000000000/us-east-1
	@$(CDKLOCAL) deploy --require-approval never --output $(LOCAL_DIR)/cdk.out --outputs-file $(LOCAL_DIR)/outputs.json

destroy-local: infra/node_modules/.package-lock.json ## destroy what make deploy-local has deployed (ENDPOINT=http://127.0.0.1:4566)
	@test -d $(LOCAL_DIR)/cdk.out || { echo "destroy    nothing was deployed from here: there is no $(LOCAL_DIR)/cdk.out" >&2; exit 1; }
	@$(CDKLOCAL) destroy --app $(LOCAL_DIR)/cdk.out --force

clean: ## remove what was built, but not the data in .local/
	rm -rf build cdk.out infra/node_modules localstack/node_modules

GO_FILES = $$(find events functions infra internal localstack -name node_modules -prune -o -name '*.go' -print)
CDK = infra/node_modules/.bin/cdk --context arch=$(ARCH) $(CONTEXT)

# Where LocalStack, MiniStack or another of their kind listens, which runs functions on this
# machine's processor, and the folder for what its deployment writes.
ENDPOINT := http://127.0.0.1:4566
LOCAL_DIR := $(CURDIR)/build/local

# The home of its own keeps what is meant for an account of AWS out of this.
CDKLOCAL = mkdir -p $(LOCAL_DIR) && HOME="$(LOCAL_DIR)" GOCACHE="$(shell go env GOCACHE)" \
	GOMODCACHE="$(shell go env GOMODCACHE)" GOENV="$(shell go env GOENV)" AWS_ENDPOINT_URL=$(ENDPOINT) AWS_ENDPOINT_URL_S3=$(ENDPOINT) \
	infra/node_modules/.bin/cdklocal --context arch=$(HOST_ARCH) --ci

gofmt:
	@bad=$$(gofmt -l $(GO_FILES)) && test -z "$$bad" || { echo "make fmt would change: $$bad"; exit 1; }

vet:
	go vet ./...
	go vet -tags 'e2e sam schemathesis' ./localstack ./localstack/e2e

# Each tool of Python's gets an environment of its own, because they do not agree on versions.
# Every version in it is pinned by its hash: localstack/python/<tool>.txt says how.
build/python/%/installed: localstack/python/%.txt
	@echo "python     installs $* into build/python/, which takes a minute the first time"
	@rm -rf build/python/$*
	@python3 -m venv build/python/$*
	@# Older ones do not find a hash for what is named with extras.
	@build/python/$*/bin/pip install --quiet --disable-pip-version-check pip==26.3
	@build/python/$*/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# npm writes this file last, so it is older than the lock file if an install is due.
%/node_modules/.package-lock.json: %/package-lock.json
	@echo "npm        installs the packages of $*/"
	@npm ci --prefix $* --no-audit --no-fund --loglevel=error >/dev/null
