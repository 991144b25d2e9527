package program

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"beanpole/internal/docker"
)

// ps lists the containers that run: those that have ended are gone.
func (c *call) ps(args []string) error {
	quiet, whole := false, false
	p := parser{flags: map[string]bool{"a": true, "all": true, "aq": true, "qa": true, "l": true, "latest": true},
		switches: map[string]*bool{"q": &quiet, "quiet": &quiet, "no-trunc": &whole},
		values:   map[string]func(string) error{"n": ignored}}
	for _, a := range args {
		quiet = quiet || a == "-aq" || a == "-qa"
	}
	if _, err := p.parse("ps", args); err != nil {
		return err
	}
	all, err := c.client.Containers(c.ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 10, 1, 3, ' ', 0)
	if !quiet {
		fmt.Fprintln(w, "CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tPORTS\tNAMES")
	}
	for _, x := range all {
		id := x.ID
		if !whole {
			id = docker.Short(id)
		}
		if quiet {
			fmt.Fprintln(w, id)
			continue
		}
		since := time.Since(x.Started).Round(time.Second)
		fmt.Fprintf(w, "%s\t%s\t%q\t%s ago\tUp %s\t\t%s\n", id, x.Image, cut(strings.Join(x.Args, " "), 20), since, since, x.Name)
	}
	return w.Flush()
}

func cut(s string, most int) string {
	if len(s) > most {
		return s[:most-1] + "…"
	}
	return s
}

// images lists the instance's images.
func (c *call) images(args []string) error {
	quiet, whole := false, false
	p := parser{flags: map[string]bool{"a": true, "all": true}, switches: map[string]*bool{"q": &quiet, "quiet": &quiet, "no-trunc": &whole}}
	only, err := p.parse("images", args)
	if err != nil {
		return err
	}
	all, err := c.client.Images(c.ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 10, 1, 3, ' ', 0)
	if !quiet {
		fmt.Fprintln(w, "REPOSITORY\tTAG\tIMAGE ID\tCREATED")
	}
	for _, i := range all {
		names := i.Names
		if len(names) == 0 {
			names = []string{"<none>:<none>"}
		}
		for _, n := range names {
			at := strings.LastIndex(n, ":")
			if len(only) > 0 && n != only[0] && n[:at] != only[0] {
				continue
			}
			id := docker.Short(i.ID)
			if whole {
				id = "sha256:" + i.ID
			}
			if quiet {
				fmt.Fprintln(w, id)
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s ago\n", n[:at], n[at+1:], id, time.Since(i.Created).Round(time.Second))
		}
	}
	return w.Flush()
}

// logs shows the end of what a container has said. All is in its log file.
func (c *call) logs(args []string) error {
	p := parser{flags: map[string]bool{"t": true, "timestamps": true}, values: map[string]func(string) error{"n": ignored, "tail": ignored, "since": ignored}}
	rest, err := p.parse("logs", args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usage(`"docker logs" requires exactly 1 argument`)
	}
	said, err := c.client.Log(c.ctx, rest[0])
	if err == nil {
		_, err = c.out.Write(said)
	}
	return err
}

// kill and stop end containers. [docker kill, docker stop]
func (c *call) kill(args []string) error {
	signal := "KILL"
	p := parser{values: map[string]func(string) error{"s": set(&signal)}, long: map[string]string{"signal": "s"}}
	rest, err := p.parse("kill", args)
	if err != nil {
		return err
	}
	return c.each(rest, func(id string) error { return c.client.Kill(c.ctx, id, signal) })
}

func (c *call) stop(args []string) error {
	p := parser{values: map[string]func(string) error{"t": ignored}, long: map[string]string{"time": "t", "timeout": "t"}}
	rest, err := p.parse("stop", args)
	if err != nil {
		return err
	}
	return c.each(rest, func(id string) error {
		if err := c.client.Kill(c.ctx, id, "TERM"); err != nil {
			return err
		}
		for until := time.Now().Add(stopGrace); ; time.Sleep(50 * time.Millisecond) {
			if _, err := c.client.Log(c.ctx, id); err != nil {
				return nil // it is gone
			}
			if time.Now().After(until) {
				return c.client.Kill(c.ctx, id, "KILL")
			}
		}
	})
}

// each does something to every container or image, and says which.
func (c *call) each(names []string, do func(string) error) error {
	if len(names) == 0 {
		return usage("requires at least 1 argument")
	}
	for _, n := range names {
		if err := do(n); err != nil {
			return err
		}
		fmt.Fprintln(c.out, n)
	}
	return nil
}

func (c *call) pull(args []string) error {
	p := parser{flags: map[string]bool{"q": true, "quiet": true}}
	rest, err := p.parse("pull", args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usage(`"docker pull" requires exactly 1 argument`)
	}
	i, err := c.client.Pull(c.ctx, docker.Pull{Name: rest[0]})
	if err == nil {
		fmt.Fprintf(c.out, "Digest: sha256:%s\n", i.ID)
	}
	return err
}

func (c *call) removeImages(args []string) error {
	p := parser{flags: map[string]bool{"f": true, "force": true}}
	rest, err := p.parse("rmi", args)
	if err != nil {
		return err
	}
	return c.each(rest, func(n string) error { return c.client.RemoveImage(c.ctx, n) })
}

// inspect shows what is known of containers and images, and for -f the one
// thing that hooks ask for: a container's address.
func (c *call) inspect(args []string) error {
	var form string
	p := parser{values: map[string]func(string) error{"f": set(&form)}, long: map[string]string{"format": "f"}}
	rest, err := p.parse("inspect", args)
	if err != nil {
		return err
	}
	all, err := c.client.Containers(c.ctx)
	if err != nil {
		return err
	}
	for _, name := range rest {
		var found any
		for _, x := range all {
			if x.Name != name && !(len(name) >= 4 && strings.HasPrefix(x.ID, name)) {
				continue
			}
			if strings.Contains(form, ".IPAddress") {
				fmt.Fprintln(c.out, x.Address)
				return nil
			}
			found = map[string]any{"Id": x.ID, "Name": "/" + x.Name, "Created": x.Started, "State": map[string]any{"Status": "running", "Running": true},
				"Config": map[string]any{"Image": x.Image, "Cmd": x.Args}, "NetworkSettings": map[string]any{"IPAddress": x.Address}}
		}
		if found == nil {
			i, err := c.image(name)
			if err != nil {
				return err
			}
			if i == nil {
				return fmt.Errorf("no such object: %s", name)
			}
			found = map[string]any{"Id": "sha256:" + i.ID, "RepoTags": i.Names, "Created": i.Created, "Config": i.Config}
		}
		if form != "" {
			return usage("beanpole, which stands for docker on its instances, knows the format {{.NetworkSettings.IPAddress}} only")
		}
		data, err := json.MarshalIndent([]any{found}, "", "    ")
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s\n", data)
	}
	return nil
}

func (c *call) info([]string) error {
	fmt.Fprintln(c.out, "beanpole, which stands for docker on its instances")
	return nil
}
