"""tree-sitter queries, one a language: `@name` is a definition's name, `@used` a name called, extended or typed."""

from __future__ import annotations

_JAVASCRIPT = """
(function_declaration name: (identifier) @name)
(generator_function_declaration name: (identifier) @name)
(method_definition name: (property_identifier) @name)
(program (lexical_declaration (variable_declarator name: (identifier) @name)))
(export_statement (lexical_declaration (variable_declarator name: (identifier) @name)))
(call_expression function: [(identifier) @used (member_expression property: (property_identifier) @used)])
(new_expression constructor: (identifier) @used)
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(class_declaration name: (type_identifier) @name)
(abstract_class_declaration name: (type_identifier) @name)
(interface_declaration name: (type_identifier) @name)
(type_alias_declaration name: (type_identifier) @name)
(enum_declaration name: (identifier) @name)
(function_signature name: (identifier) @name)
(type_annotation (type_identifier) @used)
(type_annotation (generic_type name: (type_identifier) @used))
(extends_clause value: (identifier) @used)
"""
)
_C = """
(function_declarator declarator: (identifier) @name)
(struct_specifier name: (type_identifier) @name body: (_))
(enum_specifier name: (type_identifier) @name body: (_))
(type_definition declarator: (type_identifier) @name)
(preproc_function_def name: (identifier) @name)
(call_expression function: (identifier) @used)
(parameter_declaration type: (type_identifier) @used)
"""
TAGS = {
    "python": """
(class_definition name: (identifier) @name)
(function_definition name: (identifier) @name)
(module (expression_statement (assignment left: (identifier) @name)))
(call function: [(identifier) @used (attribute attribute: (identifier) @used)])
(class_definition superclasses: (argument_list [(identifier) @used (attribute attribute: (identifier) @used)]))
(decorator [(identifier) @used (attribute attribute: (identifier) @used)])
""",
    "javascript": _JAVASCRIPT
    + """
(class_declaration name: (identifier) @name)
(class_heritage (identifier) @used)
(assignment_expression left: (member_expression property: (property_identifier) @name) right: (function_expression))
(pair key: (property_identifier) @name value: [(function_expression) (arrow_function)])
""",
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT + "(jsx_opening_element name: (identifier) @used)",
    "go": """
(function_declaration name: (identifier) @name)
(method_declaration name: (field_identifier) @name)
(type_spec name: (type_identifier) @name)
(call_expression function: [(identifier) @used (selector_expression field: (field_identifier) @used)])
(parameter_declaration type: (type_identifier) @used)
(pointer_type (type_identifier) @used)
(composite_literal type: (type_identifier) @used)
(qualified_type name: (type_identifier) @used)
""",
    "rust": """
(function_item name: (identifier) @name)
(function_signature_item name: (identifier) @name)
(struct_item name: (type_identifier) @name)
(enum_item name: (type_identifier) @name)
(trait_item name: (type_identifier) @name)
(type_item name: (type_identifier) @name)
(mod_item name: (identifier) @name)
(macro_definition name: (identifier) @name)
(impl_item type: (type_identifier) @name)
(impl_item trait: (type_identifier) @used)
(call_expression function: [
  (identifier) @used (field_expression field: (field_identifier) @used) (scoped_identifier name: (identifier) @used)])
(macro_invocation macro: (identifier) @used)
(parameter type: (type_identifier) @used)
(reference_type type: (type_identifier) @used)
(scoped_type_identifier name: (type_identifier) @used)
""",
    "java": """
(class_declaration name: (identifier) @name)
(interface_declaration name: (identifier) @name)
(enum_declaration name: (identifier) @name)
(record_declaration name: (identifier) @name)
(method_declaration name: (identifier) @name)
(constructor_declaration name: (identifier) @name)
(method_invocation name: (identifier) @used)
(object_creation_expression type: (type_identifier) @used)
(superclass (type_identifier) @used)
(type_list (type_identifier) @used)
(formal_parameter type: (type_identifier) @used)
(field_declaration type: (type_identifier) @used)
""",
    "c": _C,
    "cpp": _C
    + """
(class_specifier name: (type_identifier) @name body: (_))
(namespace_definition name: (namespace_identifier) @name)
(function_declarator declarator: (field_identifier) @name)
(function_declarator declarator: (qualified_identifier name: (identifier) @name))
(call_expression function: (field_expression field: (field_identifier) @used))
(call_expression function: (qualified_identifier name: (identifier) @used))
(base_class_clause (type_identifier) @used)
""",
    "ruby": """
(class name: (constant) @name)
(module name: (constant) @name)
(method name: (identifier) @name)
(singleton_method name: (identifier) @name)
(call method: (identifier) @used)
(call receiver: (constant) @used)
(superclass (constant) @used)
""",
    "php": """
(class_declaration name: (name) @name)
(interface_declaration name: (name) @name)
(trait_declaration name: (name) @name)
(function_definition name: (name) @name)
(method_declaration name: (name) @name)
(function_call_expression function: (name) @used)
(member_call_expression name: (name) @used)
(scoped_call_expression name: (name) @used)
(object_creation_expression (name) @used)
(base_clause (name) @used)
(class_interface_clause (name) @used)
""",
    "c_sharp": """
(class_declaration name: (identifier) @name)
(interface_declaration name: (identifier) @name)
(struct_declaration name: (identifier) @name)
(enum_declaration name: (identifier) @name)
(record_declaration name: (identifier) @name)
(method_declaration name: (identifier) @name)
(property_declaration name: (identifier) @name)
(invocation_expression function: [(identifier) @used (member_access_expression name: (identifier) @used)])
(object_creation_expression type: (identifier) @used)
(base_list (identifier) @used)
(parameter type: (identifier) @used)
""",
    "bash": """
(function_definition name: (word) @name)
(command name: (command_name (word) @used))
""",
}
