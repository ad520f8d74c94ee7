using System.Buffers.Binary;

namespace Strata;

/// <summary>The entry that says up to where versionstamps may have been issued, so that none is issued twice, and how late it was. docs/formats/key-values.md</summary>
internal static class KvStampRecord
{
    public const int Bytes = 24;
    private const byte Format = 1;
    private const int CounterAt = 8, TimeAt = 16;

    /// <summary>Its key, of a keyspace.</summary>
    public static byte[] KeyOf(LogKeyspace keyspace) => [(byte)LogKeyspace.System, (byte)'k', (byte)'v', (byte)keyspace];

    /// <returns>False: it is no such record of a format that is known.</returns>
    public static bool TryRead(ReadOnlySpan<byte> head, out Versionstamp limit, out long time)
    {
        bool isKnown = head.Length == Bytes && head[0] == Format;
        time = isKnown ? BinaryPrimitives.ReadInt64LittleEndian(head[TimeAt..]) : 0;
        limit = isKnown ? new Versionstamp(BinaryPrimitives.ReadUInt64LittleEndian(head[CounterAt..])) : Versionstamp.None;
        return isKnown;
    }

    /// <param name="head">Gets the record.</param>
    /// <param name="limit">The highest versionstamp that may have been issued.</param>
    /// <param name="time">Unix milliseconds.</param>
    public static void Write(Span<byte> head, Versionstamp limit, long time)
    {
        head.Clear();
        head[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(head[CounterAt..], limit.Counter);
        BinaryPrimitives.WriteInt64LittleEndian(head[TimeAt..], time);
    }
}
