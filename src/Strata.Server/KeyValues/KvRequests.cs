using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Strata.KvConnect;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server;

/// <summary>
/// What clients of KV Connect send, read and checked. Whatever the bytes are, only the documented exceptions come of them,
/// and what is made of them is a small multiple of them: fields that nobody knows are dropped, and messages are counted
/// before they become objects, as two bytes can be one.
/// </summary>
internal static class KvRequests
{
    /// <summary>Bytes of one entry of a request besides keys and values: tags, lengths, times.</summary>
    private const int EntryBytes = 64;

    private static readonly MessageParser<Wire.SnapshotRead> Reads = Wire.SnapshotRead.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<Wire.AtomicWrite> Writes = Wire.AtomicWrite.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<Wire.Watch> Watches = Wire.Watch.Parser.WithDiscardUnknownFields(true);

    /// <summary>The longest question for metadata, bytes.</summary>
    public const int MaxMetadataBytes = 4 << 10;

    /// <summary>The longest read, bytes.</summary>
    public static int MaxReadBytes(KvLimits limits) => limits.MaxRanges * ((2 * (limits.MaxKeyBytes + 1)) + EntryBytes);

    /// <summary>The longest write, bytes.</summary>
    public static int MaxWriteBytes(KvLimits limits) => limits.MaxWriteBytes + ((limits.MaxChecks + limits.MaxMutations) * EntryBytes);

    /// <summary>The longest watch, bytes.</summary>
    public static int MaxWatchBytes(KvLimits limits) => limits.MaxWatchedKeys * (limits.MaxKeyBytes + EntryBytes);

    /// <summary>The version that a client and this server have in common, the highest of them.</summary>
    /// <exception cref="FormatException">There is none, or the question is no JSON.</exception>
    public static int ReadVersion(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (body.IsEmpty) return Protocol.LowestVersion;
            MetadataRequest request = JsonSerializer.Deserialize(body.Span, MetadataJson.Default.MetadataRequest) ?? throw new JsonException("null");
            if (request.SupportedVersions is not { } versions) return Protocol.LowestVersion;
            int version = versions.Where(v => v is >= Protocol.LowestVersion and <= Protocol.HighestVersion).DefaultIfEmpty().Max();
            return version > 0 ? version : throw new FormatException($"This server speaks versions {Protocol.LowestVersion} to {Protocol.HighestVersion} of KV Connect, and the client none of them.");
        }
        catch (JsonException e)
        {
            throw new FormatException("The body must be {\"supportedVersions\":[1,2,3]}.", e);
        }
    }

    /// <summary>What is to be read.</summary>
    /// <exception cref="FormatException">It is no message of the protocol.</exception>
    /// <exception cref="ArgumentException">It is beyond the limits.</exception>
    public static ReadRange[] ReadRanges(ReadOnlyMemory<byte> body, KvLimits limits)
    {
        ReadRange[] ranges = WireForm.Of(Parse(Reads, body, limits.MaxRanges, "ranges"));
        limits.Check(ranges);
        return ranges;
    }

    /// <summary>What is to be committed.</summary>
    /// <exception cref="FormatException">It is no message of the protocol, or has what the protocol does not know.</exception>
    /// <exception cref="ArgumentException">It is beyond the limits.</exception>
    public static AtomicWrite ReadWrite(ReadOnlyMemory<byte> body, KvLimits limits)
    {
        AtomicWrite write = WireForm.Of(Parse(Writes, body, limits.MaxChecks + limits.MaxMutations, "checks and mutations"));
        limits.Check(write);
        for (int i = 0; i < write.Mutations.Count; i++)
        {
            // Who reads it as a number takes eight bytes for granted.
            KvValue value = write.Mutations[i].Value;
            if (value.Encoding == KvEncoding.Le64 && value.Data.Length != sizeof(ulong)) throw new FormatException($"A value of the encoding LE64 has {sizeof(ulong)} bytes, not {value.Data.Length}.");
        }

        return write;
    }

    /// <summary>What is to be watched.</summary>
    /// <exception cref="FormatException">It is no message of the protocol.</exception>
    /// <exception cref="ArgumentException">It is beyond the limits.</exception>
    public static ReadOnlyMemory<byte>[] ReadKeys(ReadOnlyMemory<byte> body, KvLimits limits)
    {
        ReadOnlyMemory<byte>[] keys = [.. Parse(Watches, body, limits.MaxWatchedKeys, "keys").Keys.Select(k => k.Key.Memory)];
        limits.Check(keys);
        return keys;
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlyMemory<byte> body, int mostEntries, string entries)
        where T : IMessage<T>
    {
        try
        {
            // Twice as many: who sends a few too many is told more exactly what of.
            if (CountFields(body, 2 * mostEntries) > 2 * mostEntries) throw new ArgumentException($"A call takes at most {mostEntries} {entries}.");
            return parser.ParseFrom(body.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new FormatException("The body is no message of the protocol.", e);
        }
    }

    private static int CountFields(ReadOnlyMemory<byte> body, int most)
    {
        if (!MemoryMarshal.TryGetArray(body, out ArraySegment<byte> bytes)) bytes = body.ToArray();
        using var input = new CodedInputStream(bytes.Array, bytes.Offset, bytes.Count);
        int count = 0;
        for (; count <= most && input.ReadTag() != 0; count++) input.SkipLastField();
        return count;
    }
}
