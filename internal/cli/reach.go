package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	tlsWait    = time.Second             // for an instance to answer a TLS hello
	answerWait = 1500 * time.Millisecond // for an application that still starts
)

// passed says of a port whose bytes go to the instances as they are whether
// TLS is spoken there: a listener on 443 alone makes no server behind it.
func passed(port int) string {
	ctx, cancel := context.WithTimeout(context.Background(), tlsWait)
	defer cancel()
	// Which certificate is shown does not matter here: nothing is sent.
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort("localhost", fmt.Sprint(port)))
	if err != nil {
		return "   (TCP passed through: no server on the instance speaks TLS there)"
	}
	c.Close()
	return "   (TCP passed through: TLS ends on the instance)"
}

// trouble says that the proxy on the instance answers without its application;
// "" when all is well, or the address leads elsewhere.
func trouble(ctx context.Context, url string) string {
	client := &http.Client{Timeout: answerWait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	status := 0
	for end := time.Now().Add(answerWait); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return ""
		}
		resp, err := client.Do(req)
		if err != nil {
			return ""
		}
		resp.Body.Close()
		if status = resp.StatusCode; status != http.StatusBadGateway && status != http.StatusServiceUnavailable && status != http.StatusGatewayTimeout {
			return ""
		}
		if time.Now().After(end) || pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Sprintf(", but answers %d: the application has not begun to listen, or ended (beanpole logs)", status)
		}
	}
}
