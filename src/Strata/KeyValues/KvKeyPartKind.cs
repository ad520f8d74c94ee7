namespace Strata;

/// <summary>What a part of a key is. Parts of different kinds sort in this order.</summary>
public enum KvKeyPartKind
{
    /// <summary>None: <c>default</c>, which is no part.</summary>
    None,

    /// <summary>Bytes; JavaScript's <c>Uint8Array</c>.</summary>
    Bytes,

    /// <summary>A string; sorts by its UTF-8 bytes.</summary>
    String,

    /// <summary>An integer of up to 255 bytes; JavaScript's <c>bigint</c>. What C#'s <c>int</c>, <c>long</c> and <c>ulong</c> become.</summary>
    Integer,

    /// <summary>A double; JavaScript's <c>number</c>, so also its <c>1</c>.</summary>
    Number,

    /// <summary>False, then true.</summary>
    Boolean,
}
