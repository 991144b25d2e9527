package diagnose

// dockerCauses are what Docker says. Texts: dockerd's and BuildKit's own, and
// those of the platform's scripts as users posted them.
var dockerCauses = []*Cause{
	{
		Slug: "registry-limit", Stage: Build,
		Title: "the registry refuses further pulls for now: ${what}",
		Why:   "Docker Hub counts anonymous pulls by address, and instances behind one NAT gateway share it.",
		Fix:   []string{"sign in to Docker Hub (Dockerrun.aws.json: Authentication), or keep the image in Amazon ECR"},
		Signs: []Sign{
			{Word: "toomanyrequests", Pattern: `(?P<what>toomanyrequests[^\n]{0,80})`},
			{Word: "pull rate limit", Pattern: `(?P<what>[^\n]{0,30}pull rate limit)`},
		},
	},
	{
		Slug: "image-missing", Stage: Build,
		Title: "the registry has no such image: ${what}",
		Why:   "Name or tag is misspelt, was not pushed, or lies in another registry or region.",
		Fix:   []string{"docker pull the same name on one's own machine; push the tag before the deployment"},
		Signs: []Sign{
			{Word: "manifest for", Pattern: `(?P<what>manifest for \S+ not found)`},
			{Word: "manifest unknown", Pattern: `(?P<what>[^\n]{0,60}manifest unknown)`},
			{Word: "Error: image ", Pattern: `(?P<what>Error: image \S+ not found)`},
			{Word: "no matching manifest for", Pattern: `(?P<what>no matching manifest for \S+)`},
			{Word: "repository with name", Pattern: `(?P<what>The repository with name '[^']+' does not exist in the registry[^\n]{0,60})`},
			{Word: "pull access denied", Pattern: `(?P<what>pull access denied for [^\n,]{1,80}, repository does not exist)[^\n]{0,80}$`, Not: []string{"may require"}},
		},
	},
	{
		Slug: "image-pull-denied", Stage: Build,
		Title: "the registry does not let the instance pull the image: ${what}",
		Why:   "The instances' role may not read the registry, or the credentials file is missing.",
		Fix:   []string{"attach AmazonEC2ContainerRegistryReadOnly to the instances' role; for another registry name a credentials file in Dockerrun.aws.json"},
		Signs: []Sign{
			{Word: "no basic auth credentials", Pattern: `(?P<what>no basic auth credentials)`},
			{Word: "pull access denied", Pattern: `(?P<what>pull access denied for [^\n,]{1,80})`},
			{Word: "ecr:GetAuthorizationToken", Pattern: `(?P<what>not authorized to perform: ecr:GetAuthorizationToken)`},
			{Word: "ecr:BatchGetImage", Pattern: `(?P<what>not authorized to perform: ecr:BatchGetImage)`},
			{Word: "unauthorized: authentication required", Pattern: `(?P<what>unauthorized: authentication required)`},
			{Word: "Your authorization token has expired", Pattern: `(?P<what>Your authorization token has expired)`},
			{Word: "Failed to authenticate with ECR", Pattern: `(?P<what>Failed to authenticate with ECR[^\n]{0,80})`},
		},
	},
	{
		Slug: "registry-unreachable", Stage: Build,
		Title:  "the instance does not reach the image's registry: ${what}",
		Why:    "The subnet has no way to it: no NAT gateway, no VPC endpoints (ecr.api, ecr.dkr and S3), or no name resolution.",
		Fix:    []string{"give the subnet a NAT gateway, or endpoints for Amazon ECR and S3"},
		Settle: "on the instance: curl -sSI https://REGISTRY/v2/",
		Signs: []Sign{
			{Word: "Client.Timeout exceeded while", Pattern: `(?P<what>(?:Get|Head) "?https://[^\s"]+"?: [^\n]{0,60}Client\.Timeout exceeded while [^\n]{1,40})`},
			{Word: "dial tcp", Pattern: `(?P<what>(?:Get|Head) "?https://[^\s"]+"?: dial tcp[^\n]{0,60}(?:i/o timeout|no such host|connection refused|network is unreachable))`},
			{Word: "net/http: request canceled while waiting", Pattern: `(?P<what>net/http: request canceled while waiting for connection)`},
		},
	},
	{
		Slug: "image-build-step", Stage: Build,
		Title: "a step of the Dockerfile failed: ${what}",
		Why:   "Docker names the step; its own output stands above this line.",
		Fix:   []string{"docker build . with the bundle's files on one's own machine, and mend that step"},
		Signs: []Sign{
			{Word: "did not complete successfully", Pattern: `(?P<what>process "[^\n]{1,160}" did not complete successfully: exit code: \d+)`},
			{Word: "returned a non-zero code", Pattern: `(?P<what>The command '[^\n]{1,160}' returned a non-zero code: \d+)`},
			{Word: "executor failed running", Pattern: `(?P<what>executor failed running \[[^\n]{1,160}\]: exit code: \d+)`},
			{Word: "COPY failed", Pattern: `(?P<what>COPY failed: [^\n]{1,120})`},
			{Word: "ADD failed", Pattern: `(?P<what>ADD failed: [^\n]{1,120})`},
			{Word: "failed to compute cache key", Pattern: `(?P<what>failed to compute cache key: [^\n]{1,120})`},
			{Word: "ockerfile parse error", Pattern: `(?P<what>[Dd]ockerfile parse error[^\n]{1,100})`},
			{Word: "No build stage in current context", Pattern: `(?P<what>No build stage in current context)`},
			{Word: "failed to solve: ", Pattern: `(?P<what>failed to solve: [^\n]{1,140})`, Not: []string{"toomanyrequests", "authorization", "dial tcp"}},
		},
	},
	{
		Slug: "image-port", Stage: Build,
		Title: "the platform does not know the container's port: ${what}",
		Why:   "It sends requests to the port that EXPOSE in the Dockerfile, or Ports in Dockerrun.aws.json, names.",
		Fix:   []string{"EXPOSE the application's port in the Dockerfile"},
		Signs: []Sign{{Word: "EXPOSE", Pattern: `(?P<what>No EXPOSE directive found in Dockerfile|[^\n]{0,60}doesn't contain (?:an )?EXPOSE[^\n]{0,40})`}},
	},
	{
		Slug: "compose-refused", Stage: Build,
		Title: "Docker Compose does not take docker-compose.yml: ${what}",
		Why:   "The file is wrong, or for a newer Compose than the platform has.",
		Fix:   []string{"docker compose config on one's own machine; correct the place that the message names"},
		Signs: []Sign{
			{Word: "The Compose file", Pattern: `(?P<what>The Compose file '[^']+' is invalid[^\n]{0,80})`},
			{Word: "docker-compose.yml: ", Pattern: `(?P<what>(?:parsing|validating) \S*docker-compose\.yml: [^\n]{1,120})`},
			{Word: "no configuration file provided", Pattern: `(?P<what>no configuration file provided: not found)`},
		},
	},
	{
		Slug: "image-pull-failed", Stage: Build, Generic: true,
		Title:  "the image could not be pulled: ${what}",
		Why:    "The registry's own words follow the event, or stand in the log.",
		Settle: "eb-engine.log or eb-activity.log: the lines after this one; docker pull of the same name on the instance",
		Signs: []Sign{
			{Word: "ailed to pull Docker image", Not: []string{", retrying..."}, Pattern: `(?s)[Ff]ailed to pull Docker image "?(?P<what>[^\n"]{0,140})`},
			{Word: "ailed to pull docker image", Pattern: `(?P<what>[Ff]ailed to pull docker image[^\n]{0,140})`},
		},
	},
	{
		Slug: "container-ended", Stage: Application, Generic: true,
		Title:  "the container ended right after its start: ${what}",
		Why:    "The image's command ends, or fails with an error of its own.",
		Settle: "/var/log/eb-docker/containers on the instance: the container's last lines; docker run of the image on one's own machine",
		Signs: []Sign{
			{Word: "Docker container quit unexpectedly", Pattern: `Docker container quit unexpectedly(?: after launch)?:? ?(?P<what>[^\n]{0,140})`},
			{Word: "container unexpectedly ended", Pattern: `(?P<what>The Docker container unexpectedly ended after it was started)`},
			{Word: "ailed to run Docker container", Pattern: `[Ff]ailed to run Docker container:? ?(?P<what>[^\n]{0,140})`},
			{Word: "services in docker compose", Pattern: `(?P<what>[^\n]{0,60}services in docker compose[^\n]{0,60})`},
		},
	},
	{
		Slug: "compose-failed", Stage: Application, Generic: true,
		Title:  "Docker Compose did not start the containers: ${what}",
		Why:    "One of the services did not build or start.",
		Settle: "eb-engine.log: the lines before this one; /var/log/eb-docker/containers/eb-current-app",
		Signs: []Sign{
			{Word: "docker-compose", Pattern: `(?P<what>[Cc]ommand [^\n]{0,60}docker-compose [^\n]{0,60}failed[^\n]{0,60})`},
			{Word: "ailed to start docker-compose", Pattern: `(?P<what>[Ff]ailed to start docker-compose[^\n]{0,80})`},
			{Word: "ocker-compose up failed", Pattern: `(?P<what>[Dd]ocker-compose up failed[^\n]{0,80})`},
		},
	},
}
