package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Client is the instance's end.
type Client struct{ http *http.Client }

// Dial is a client; whether somebody answers shows with the first call.
func Dial(socket string) *Client {
	return &Client{&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}}
}

// call sends what in holds and reads the answer into out, either of which may
// be nil. An error that the other side had is its text.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func (c *Client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, fmt.Errorf("reach beanpole, which stands for dockerd: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return nil, errors.New(strings.TrimSpace(string(text)))
}

// Pull fetches an image.
func (c *Client) Pull(ctx context.Context, p Pull) (*Image, error) {
	var i Image
	return &i, c.call(ctx, "POST", "/pull", p, &i)
}

// Images are those that the instance has.
func (c *Client) Images(ctx context.Context) (out []Image, err error) {
	return out, c.call(ctx, "GET", "/images", nil, &out)
}

// Containers are those that run.
func (c *Client) Containers(ctx context.Context) (out []Container, err error) {
	return out, c.call(ctx, "GET", "/containers", nil, &out)
}

// Commit makes an image.
func (c *Client) Commit(ctx context.Context, m Commit) (*Image, error) {
	var i Image
	return &i, c.call(ctx, "POST", "/commit", m, &i)
}

// RemoveImage takes a name from its image, and the image away with its last.
func (c *Client) RemoveImage(ctx context.Context, name string) error {
	return c.call(ctx, "DELETE", "/images?name="+url.QueryEscape(name), nil, nil)
}

// NewLayer is an empty layer over a parent, or over nothing.
func (c *Client) NewLayer(ctx context.Context, parent string) (id string, err error) {
	return id, c.call(ctx, "POST", "/layers?parent="+url.QueryEscape(parent), nil, &id)
}

// RemoveLayer removes a layer that no image and no other layer needs.
func (c *Client) RemoveLayer(ctx context.Context, id string) error {
	return c.call(ctx, "DELETE", "/layers?id="+url.QueryEscape(id), nil, nil)
}

// Put unpacks an archive in a layer: names are those in the container.
func (c *Client) Put(ctx context.Context, layer string, archive io.Reader) error {
	resp, err := c.send(ctx, "PUT", "/files?layer="+url.QueryEscape(layer), archive)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Get is an archive of what matches a pattern in a layer, with all that is
// below. Names begin with the match's own, relative to the root.
func (c *Client) Get(ctx context.Context, layer, pattern string) (io.ReadCloser, error) {
	resp, err := c.send(ctx, "GET", "/files?layer="+url.QueryEscape(layer)+"&pattern="+url.QueryEscape(pattern), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Log is the end of what a container has said.
func (c *Client) Log(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	return out, c.call(ctx, "GET", "/log?id="+url.QueryEscape(id), nil, &out)
}

// Kill sends a signal to a container's first process: "TERM", "KILL".
func (c *Client) Kill(ctx context.Context, id, signal string) error {
	return c.call(ctx, "POST", "/kill?id="+url.QueryEscape(id)+"&signal="+url.QueryEscape(signal), nil, nil)
}

// Run runs a container and waits for its end. When ctx ends, the container
// does. started, unless nil, is called once.
func (c *Client) Run(ctx context.Context, r Run, started func(Container), stdout, stderr io.Writer) error {
	return c.frames(ctx, "/run", r, started, stdout, stderr)
}

// Exec runs a process in a container and waits for its end.
func (c *Client) Exec(ctx context.Context, id string, e Exec, stdout, stderr io.Writer) error {
	return c.frames(ctx, "/exec?id="+url.QueryEscape(id), e, nil, stdout, stderr)
}

func (c *Client) frames(ctx context.Context, path string, in any, started func(Container), stdout, stderr io.Writer) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, "POST", path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for d := json.NewDecoder(resp.Body); ; {
		var f Frame
		if err := d.Decode(&f); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("follow the container: %w", err)
		}
		switch {
		case f.Started != nil && started != nil:
			started(*f.Started)
		case f.Out != nil:
			stdout.Write(f.Out)
		case f.Err != nil:
			stderr.Write(f.Err)
		case f.Fault != "":
			return errors.New(f.Fault)
		case f.Exit != nil && *f.Exit != 0:
			return ExitError(*f.Exit)
		case f.Exit != nil:
			return nil
		}
	}
}
