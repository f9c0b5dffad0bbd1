/* A flow's filters in the language of filterExpression, for a connector's function to choose
 * records by. The flow applies all of its filters again to what comes, so an expression may let
 * more through, and must not lose a record that the flow would keep. What could is not said:
 *
 * - NOT_EQUAL_TO: whether it holds for null, and for a text in other case, differs by connector.
 * - the order of texts, which differs by collation; `Float`, which has not the digits that a filter
 *   is compared with.
 * - texts with a single quote, a backslash or a control character: the grammar of the SDKs has
 *   escapes, which its lexer does not tell from a backslash before the end of a text.
 * - parts of texts (CONTAINS) with punctuation that some pattern language takes for a wildcard.
 * - fields that are no identifiers of the grammar, and what a field does not declare: that it can
 *   be queried, the operator, a type that is compared as DATA_TYPE is.
 *
 * Connectors that translate an expression may drop its parentheses, which lets more through.
 *
 * Source: CustomConnectorQueryFilterLexer.g4 and -Parser.g4 of
 * awslabs/aws-appflow-custom-connector-python. */
#pragma once

#include "connector/reading.h"
#include "wire/value.h"

/* `definition`: entityDefinition of the function's answer to DescribeEntity, checked. In the arena;
 * STR_NULL when no filter can be said. */
struct str custom_filter_expression(struct arena *arena, const struct value *definition,
                                    const struct read_query *query);
