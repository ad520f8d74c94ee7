namespace Strata;

/// <summary>Keys that the model keeps for itself: they begin with FF, as no tuple does, and lists end before them.</summary>
internal static class KvReserved
{
    /// <summary>The first byte.</summary>
    public const byte First = 0xFF;

    public static ArgumentException Refuse(KvKey key, string parameter) => new($"The key {key} is reserved: keys that begin with the byte FF are Strata's own.", parameter);

    /// <summary>A key that a user may read and write.</summary>
    /// <exception cref="ArgumentException">It is empty, or reserved.</exception>
    public static ReadOnlyMemory<byte> Check(KvKey key, string parameter)
    {
        if (key.IsEmpty) throw new ArgumentException("A key has at least one part.", parameter);
        return key.Encoded.Span[0] != First ? key.Encoded : throw Refuse(key, parameter);
    }
}
