package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the packages under internal/ from the bottom up. A package
// imports only from floors below its own, so that data flows one way; the
// reason says what would go wrong otherwise.
var floors = []struct {
	reason   string
	packages []string
}{
	{"whether something is known must not depend on what it is",
		[]string{"fact"}},
	{"how a pattern is compiled must not depend on what it is of",
		[]string{"lazyregexp"}},
	{"words and places must not depend on what is done with them",
		[]string{"source", "aws", "event", "logs", "shell", "nginx", "pemfile", "iam/simulate"}},
	{"a policy is decided from its text alone, a finding printed from its own value",
		[]string{"finding", "iam"}},
	{"a root is made of an image without knowing what runs on it",
		[]string{"image"}},
	{"what an instance asks of its containers is said the same way by both ends",
		[]string{"docker", "docker/testimage"}},
	{"an image is built, and the docker program answers, through what the instance may ask and nothing else",
		[]string{"docker/build", "docker/program"}},
	{"a template and an account are described before anything is asked of them",
		[]string{"cfn", "account"}},
	{"what AWS answers is decided without knowing who runs it: check and cloud must get the same",
		[]string{"ebext", "access", "account/template"}},
	{"what Terraform plans is read as what a template declares",
		[]string{"account/terraform"}},
	{"what was read of a real account is one value, whoever read it and whoever decides on it",
		[]string{"account/reading"}},
	{"whoever asks AWS decides nothing",
		[]string{"account/live"}},
	{"what a platform is made of is known to those who predict a deployment and those who run it",
		[]string{"platform"}},
	{"the plan is carried out the same way by every caller, and an instance knows no cloud",
		[]string{"cfninit", "instance"}},
	{"what runs on the instance, what predicts it and the local AWS do not know each other's doors",
		[]string{"engine", "check", "cloud/door", "cloud/state", "cloud/authority", "cloud/elb"}},
	{"the agent as a program is one more caller of the plan, and what holds it against recorded runs calls it",
		[]string{"agent"}},
	{"recorded runs see of the agent what its users see",
		[]string{"agent/recorded"}},
	{"what was found is shown, not judged again",
		[]string{"report", "diagnose"}},
	{"a service stands behind the door and never beside another service",
		[]string{"cloud/metadata", "cloud/iam", "cloud/sts", "cloud/s3", "cloud/kms", "cloud/ec2", "cloud/organizations"}},
	{"CloudFormation creates what the services offer, through the door",
		[]string{"cloud/cloudformation"}},
	{"an environment is made of stacks",
		[]string{"cloud/elasticbeanstalk"}},
	{"what environments run on is described once it is there",
		[]string{"cloud/balancing"}},
	{"the local AWS as one handler",
		[]string{"cloud"}},
	{"all wiring in one place",
		[]string{"cli", "house", "endtoend"}},
	{"predictions, runs and diagnoses are held against each other as users meet them, by the commands",
		[]string{"agreement"}},
}

func floorOf(pkg string) int {
	for i, f := range floors {
		if slices.Contains(f.packages, pkg) {
			return i
		}
	}
	return -1
}

const root = "../.."

// goFiles calls visit for each Go file of the project with the package path
// below internal/.
func goFiles(t *testing.T, visit func(pkg, path string)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.Contains(path, "testdata") {
			return err
		}
		rel, err := filepath.Rel(filepath.Join(root, "internal"), filepath.Dir(path))
		if err == nil {
			visit(filepath.ToSlash(rel), path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPackagesImportOnlyFromFloorsBelow(t *testing.T) {
	goFiles(t, func(pkg, path string) {
		own := floorOf(pkg)
		if own < 0 {
			t.Errorf("%s: package %s stands on no floor; give it one in this test, with its reason", path, pkg)
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range f.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			below, ours := strings.CutPrefix(name, "beanpole/internal/")
			if !ours || below == pkg {
				continue
			}
			if theirs := floorOf(below); theirs >= own {
				t.Errorf("%s: %s may not import %s: %s", path, pkg, below, floors[own].reason)
			}
		}
	})
}

func TestEveryPackageHasExactlyOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	goFiles(t, func(pkg, path string) {
		comments[pkg] += 0
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Error(err)
			return
		}
		if f.Doc != nil && strings.HasPrefix(f.Doc.Text(), "Package ") {
			comments[pkg]++
		}
	})
	for pkg, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments; one says its job, its promise and its limits", pkg, n)
		}
	}
}

func TestFilesStayUnder500Lines(t *testing.T) {
	goFiles(t, func(_, path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		if n := strings.Count(string(data), "\n"); n > 500 {
			t.Errorf("%s has %d lines; split it by job", path, n)
		}
	})
}
