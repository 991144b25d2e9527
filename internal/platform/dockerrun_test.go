package platform

import "testing"

func TestDockerrunsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]Dockerrun{
		`{"AWSEBDockerrunVersion": "1", "Image": {"Name": "a/b", "Update": "true"}, "Ports": [{"ContainerPort": "1234"}], "Logging": "/var/log/nginx"}`:      {Version: "1", Image: "a/b", Port: 1234, Logging: "/var/log/nginx"},
		`{"AWSEBDockerrunVersion": 1, "Image": {"Name": "a/b", "Update": false}, "Ports": [{"ContainerPort": 80, "HostPort": 8000}, {"ContainerPort": 90}]}`: {Version: "1", Image: "a/b", Keep: true, Port: 80},
		"\ufeff" + `{"AWSEBDockerrunVersion": 3, "Authentication": {"bucket": "b", "key": "k"}}`:                                                             {Version: "3", Bucket: "b", Key: "k"},
	} {
		got, err := ParseDockerrun(text)
		if err != nil || got.Version != want.Version || got.Image != want.Image || got.Port != want.Port || got.Keep != want.Keep || got.Logging != want.Logging || got.Bucket != want.Bucket || got.Key != want.Key {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{``, `[]`, `{"Ports": [{"ContainerPort": "http"}]}`, `{"Ports": [{"ContainerPort": 0}]}`, `{"AWSEBDockerrunVersion": {}}`} {
		if d, err := ParseDockerrun(bad); err == nil {
			t.Errorf("%s: %+v", bad, d)
		}
	}
}
