package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	localaws "beanpole/internal/aws"
	"beanpole/internal/check"
	"beanpole/internal/report"
)

func checkCommand() *cobra.Command {
	in := &checking{}
	c := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "predict whether the instances get what they need",
		Long: `check reads source bundles (folders or zips) and, if given, the CloudFormation
template that the environment is created with. It follows every fetch that an
instance will make, from the configuration file to the object in S3, and says
which ones will fail, why, and what to change. Without PATH it takes the bundle
that this folder lies in. A PATH may be a pattern, or a template whose own
instances run cfn-init.

It asks AWS nothing, unless a live account is named: with --environment NAME and
no template it reads what that environment's fetches depend on, and changes
nothing. Without PATH it then checks what is deployed; --fetch-bundle fetches
the source bundle for it. --save keeps the reading for people without access,
who check with --account FILE.

Of one rule in one file at most 100 findings are listed, and the rest counted.

A comment "# beanpole:ignore RULE reason" in a file of yours, on the line of a
finding or the one above, silences it.

Exit status: 0 nothing found, 1 findings, 2 bad usage or input that cannot be
read; of several bundles the worst counts. Nothing found does not mean that all
is known: what the input leaves open is listed as "not known", and the last line
counts it; with --strict it is a finding. With a live account 0 means that every
fetch is sound, and 4 that nothing was found but not all could be told.`,
		Example: `  beanpole check app --template infra.yaml
  beanpole check bundle.zip --template infra.yaml --parameter Stage=production
  beanpole check app \
    --option aws:autoscaling:launchconfiguration:IamInstanceProfile=shop-ec2
  beanpole check app --template roles.yaml --option-settings options.json
  beanpole check app --terraform-plan plan.json
  beanpole check services/* --template {}/infra.yaml
  beanpole check app --format html --output report.html
  beanpole check app --environment shop-production --save account.json
  beanpole check app --account account.json
  beanpole check --stack workers --profile staging --region eu-west-1`,
		RunE: in.run,
	}
	in.register(c)
	in.account.register(c)
	fs := c.Flags()
	fs.BoolVar(&in.strict, "strict", false, "count what is not known, and matters, as a finding")
	fs.StringVar(&in.format, "format", "text", "`FORMAT` of the report: text, json, sarif, github, html")
	completes(c, "format", cobra.FixedCompletions(append(slices.Clone(report.Formats), "text"), cobra.ShellCompDirectiveNoFileComp))
	fs.StringVar(&in.output, "output", "", "write the report into a `FILE`")
	fs.Lookup("template").Usage += "; {} stands for the bundle's path"
	return c
}

// ballast is memory in bytes that is set aside and never touched, so that it
// costs none. The collector counts it as in use, and starts when as much again
// has been allocated: for one bundle never, for a thousand seldom, and for a
// hostile one as soon as it would without.
const ballast = 12 << 20

// checking is one call of `check`.
type checking struct {
	prediction
	format, output string
}

func (k *checking) run(c *cobra.Command, args []string) error {
	if !slices.Contains(append(report.Formats, "text"), k.format) {
		return usageError("there is no format %q; there is: text, %s", k.format, strings.Join(report.Formats, ", "))
	}
	if k.account.printPolicy {
		return k.account.printPolicyTo(c.OutOrStdout(), localaws.PartitionOf(k.region))
	}
	if err := k.checkAccount(c, len(args)); err != nil {
		return err
	}
	if k.asked() {
		return k.ofAccount(c, args)
	}
	paths := []string{bundleHere(c.ErrOrStderr())}
	if len(args) > 0 {
		var err error
		if paths, err = expand(args); err != nil {
			return err
		}
	}
	if err := k.share(); err != nil {
		return err
	}
	defer runtime.KeepAlive(make([]byte, ballast))
	return k.toOutput(c.OutOrStdout(), func(w io.Writer) error {
		if len(paths) == 1 && k.format == "text" {
			return k.one(w, paths[0])
		}
		return k.many(w, c.ErrOrStderr(), paths)
	})
}

// toOutput lets f write to --output, or else to out.
func (k *checking) toOutput(out io.Writer, f func(io.Writer) error) error {
	if k.output == "" {
		to := &sink{w: out}
		return to.or(f(to))
	}
	file, err := os.Create(k.output)
	if err != nil {
		return usageError("cannot write the report: %v", err)
	}
	to := &sink{w: file}
	err = f(to)
	if failed := file.Close(); failed != nil && to.err == nil {
		to.err = failed
	}
	return to.or(err)
}

// one checks one bundle and prints all about it.
func (k *checking) one(w io.Writer, path string) error {
	p, err := k.of(path)
	if err != nil {
		return err
	}
	defer p.bundle.Close()
	found, err := check.Run(p.input())
	if err != nil {
		return err
	}
	found.Shorten()
	return p.show(w, found)
}

// bundleHere is the bundle that this folder lies in; another folder than this
// one is said.
func bundleHere(errs io.Writer) string {
	at := fromBelow()
	if at != "." {
		fmt.Fprintf(errs, "beanpole: checking the bundle that this folder lies in: %s\n", clean(at))
	}
	return at
}
