package yamledit

import "bytes"

// Piece is a part of a stream: a separator and the document after it. The pieces of
// a stream follow each other without a gap.
type Piece struct {
	Start int // the first byte of the separator, or of the stream
	Body  int // the first byte of the document, after the separator
	End   int // one past the last byte
	Line  int // the line of the body in the stream, from 1
}

// ByteOrderMark may begin a stream.
var ByteOrderMark = []byte("\xef\xbb\xbf")

// Split cuts a stream into pieces, at least one. A separator is
// "---" or "..." at the beginning of a line, with a blank or the end of the line
// after it, or "---" right before a key, which Helm accepts. Indented dashes and
// longer rows of dashes are content.
func Split(stream []byte) []Piece {
	first := Piece{Line: 1}
	if bytes.HasPrefix(stream, ByteOrderMark) {
		first.Body = len(ByteOrderMark)
	}
	pieces := []Piece{first}
	number := 1
	for line := first.Body; ; number++ {
		if length := separator(stream[line:]); length > 0 {
			last := &pieces[len(pieces)-1]
			if line == first.Body {
				last.Body = line + length
			} else {
				last.End = line
				pieces = append(pieces, Piece{Start: line, Body: line + length, Line: number})
			}
		}
		next := bytes.IndexByte(stream[line:], '\n')
		if next < 0 {
			break
		}
		line += next + 1
	}
	pieces[len(pieces)-1].End = len(stream)
	return pieces
}

// separator returns the length of the separator at the start of a line, with
// the blanks after it, or 0 if there is none.
func separator(line []byte) int {
	if len(line) < 3 || line[0] != '-' && line[0] != '.' || line[1] != line[0] || line[2] != line[0] {
		return 0
	}
	length := 3
	for length < len(line) && (line[length] == ' ' || line[length] == '\t') {
		length++
	}
	if length > 3 || length == len(line) || line[3] == '\n' || line[3] == '\r' {
		return length
	}
	key := line[3]
	if line[0] == '-' && (key >= 'a' && key <= 'z' || key >= 'A' && key <= 'Z' || key == '"' || key == '\'' || key == '{') {
		return length
	}
	return 0
}

// BeginsWithSeparator tells whether the first line of a stream separates documents.
func BeginsWithSeparator(stream []byte) bool {
	return separator(bytes.TrimPrefix(stream, ByteOrderMark)) > 0
}

// IsBlank tells whether a document has nothing but comments and blanks.
func IsBlank(text []byte) bool {
	for line := range bytes.Lines(text) {
		if !blankOrComment(line) {
			return false
		}
	}
	return true
}
