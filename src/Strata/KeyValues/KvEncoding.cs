namespace Strata;

/// <summary>What the bytes of a value are. The numbers are those of KV Connect.</summary>
public enum KvEncoding : byte
{
    /// <summary>None said: no value of a database has it.</summary>
    None = 0,

    /// <summary>A JavaScript value as V8 serialises it; what Deno writes.</summary>
    V8 = 1,

    /// <summary>An unsigned integer of 64 bits, little-endian: what sum, min and max count with.</summary>
    Le64 = 2,

    /// <summary>Bytes.</summary>
    Bytes = 3,
}
