{% macro allocated_part(amount) -%}
    {#- An owner's part of one charge: what lies on its stretch of the way from 0 to 1, which ends at shares.share_to. Both ends are
        cut to 18 decimals, and the end of one stretch is the beginning of the next: the parts add up to the charge exactly,
        whatever the number of owners, and each is within a unit of the 18th decimal of charge times share. -#}
    case
        when shares.share_to is null then {{ amount }}
        when shares.share_to = 1 then {{ amount }} - trunc({{ amount }} * (shares.share_to - shares.allocation_share), 18)
        else trunc({{ amount }} * shares.share_to, 18) - trunc({{ amount }} * (shares.share_to - shares.allocation_share), 18)
    end
{%- endmacro %}
