package aws

import (
	"fmt"
	"net/http"
)

// MetadataPage is the page with which instance metadata answers an error. Its
// first line is all that reaches Elastic Beanstalk's events, and tells the
// page from one of S3. [AEMM:pkg/server/httpserver.go]
func MetadataPage(status int) string {
	title := fmt.Sprintf("%d - %s", status, http.StatusText(status))
	encoding := "iso-8859-1"
	if status == http.StatusBadRequest {
		encoding = "UTF-8"
	}
	return `<?xml version="1.0" encoding="` + encoding + `"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
	"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>` + title + `</title>
 </head>
 <body>
  <h1>` + title + `</h1>
 </body>
</html>
`
}
