// Package language is the language of the texts of a configuration: expressions, which
// are those of expr-lang, and templates with expressions and secrets in them. Package
// exchange says which names they may use where.
//
// An [Expression] and a [Template] are compiled for a [Scope] of names and types; a
// mistake is a [Problem] with its place. They are evaluated with [Vars]. An evaluation is
// bounded in steps, memory and time, whatever the file or the server says; beyond the
// bounds it returns [ErrBound].
package language
