"""Usage of AI models in one normal form, whoever reports it: providers by the bucket, logs and gateways by the request.

Token classes are disjoint: their sum is what was read and written, and each has one price. Reasoning is inside output.
"""

from orchestration.lib.formats.columns import Column, Format, Kind, maps, numbers, texts

# Each priced by itself, in the order of a request: what is read, what is kept for later, what is written.
TOKEN_CLASSES = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "output_tokens",
    "output_audio_tokens",
)
# Priced by something else than tokens.
UNIT_CLASSES = (
    "image_count",
    "audio_seconds",
    "character_count",
    "session_count",
    "storage_byte_hours",
    "web_search_count",
    "tool_call_count",
)

AI_USAGE = Format(
    name="ai_usage",
    line_table="ai_usage_records",
    attribute_table="ai_usage_attributes",
    start="usage_start",
    end="usage_end",
    billing_period="billing_period_start",
    billed=None,
    effective=None,
    columns=(
        # A bucket's bounds; of a single request, both are its time.
        Column("usage_start", Kind.TIME, needed=True, filled=True, on_line=True),
        Column("usage_end", Kind.TIME, needed=True, filled=True, on_line=True),
        # Null where the provider does not count requests. Failed ones are among them.
        *numbers("request_count", "failed_request_count"),
        *numbers(*TOKEN_CLASSES),
        # Part of output_tokens, where it is told.
        *numbers("reasoning_tokens"),
        *numbers(*UNIT_CLASSES),
        # What the source itself says it cost (a gateway's spend, an estimate), in US dollars: compared, never charged.
        *numbers("reported_cost"),
        Column("billing_period_start", Kind.TIME, needed=True, filled=True),
        # As the price catalogue names them: openai, anthropic, aws, google, azure, …
        Column("provider", Kind.TEXT, needed=True, filled=True),
        # What was asked for: completions, embeddings, images, …
        Column("operation", Kind.TEXT, needed=True, filled=True),
        *texts(
            "model",  # as the catalogue can find it; an inference profile is resolved to its model
            "delivered_model",  # as it was delivered
            "service_tier",  # standard, batch, flex, priority
            "context_window",  # as the provider classes it: 0-200k, 200k-1M
            "inference_geo",
            "region",
            "project_id",  # OpenAI project, Anthropic workspace, AWS account, team of a gateway
            "project_name",
            "api_key_id",
            "user_id",  # a pseudonym, never the name or address
            "principal",  # the role that called
            "status",  # null: success or not told; else the error
        ),
        # tags: what tag rules look at. unknown_usage: counts that the provider reports and this format does not know.
        *maps("tags", "unknown_usage"),
    ),
)
