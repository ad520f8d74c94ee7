namespace Strata;

/// <summary>What a JavaScript value is.</summary>
public enum V8Kind
{
    /// <summary><c>undefined</c>.</summary>
    Undefined,

    /// <summary><c>null</c>.</summary>
    Null,

    /// <summary>A boolean.</summary>
    Boolean,

    /// <summary>A number: a double.</summary>
    Number,

    /// <summary>A <c>bigint</c>.</summary>
    Integer,

    /// <summary>A string.</summary>
    String,

    /// <summary>A <c>Date</c>: milliseconds since 1970, or NaN.</summary>
    Date,

    /// <summary>An array; its holes are null, and it may have properties.</summary>
    Array,

    /// <summary>An object.</summary>
    Object,

    /// <summary>A <c>Uint8Array</c>.</summary>
    Bytes,

    /// <summary>A <c>Map</c>.</summary>
    Map,

    /// <summary>A <c>Set</c>.</summary>
    Set,

    /// <summary>Something else that is read only to be shown: another typed array, a regular expression, an error, a boxed value.</summary>
    Other,
}
