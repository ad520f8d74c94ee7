using System.Buffers.Binary;

namespace Strata;

/// <summary>What the log notes of a file that is in use, so that an opening learns which files are, and reads no value for it.</summary>
/// <param name="Id">The value in the file.</param>
/// <param name="Length">Its bytes.</param>
/// <remarks>Key: the keyspace's byte and the id, big-endian. Value: format version 1 as a byte, the length as a little-endian i64.</remarks>
internal readonly record struct ValueFileRecord(ulong Id, long Length)
{
    public const int KeyBytes = 1 + sizeof(ulong), ValueBytes = 1 + sizeof(long);
    private const byte Version = 1;

    public static void WriteKey(ulong id, Span<byte> to)
    {
        to[0] = (byte)LogKeyspace.ValueFiles;
        BinaryPrimitives.WriteUInt64BigEndian(to[1..], id);
    }

    public void WriteValue(Span<byte> to)
    {
        to[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(to[1..], Length);
    }

    /// <summary>False: it is not such a record.</summary>
    public static bool TryRead(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, out ValueFileRecord record)
    {
        record = default;
        if (key.Length != KeyBytes || key[0] != (byte)LogKeyspace.ValueFiles || value.Length != ValueBytes || value[0] != Version) return false;
        record = new ValueFileRecord(BinaryPrimitives.ReadUInt64BigEndian(key[1..]), BinaryPrimitives.ReadInt64LittleEndian(value[1..]));
        return record.Length >= 0;
    }
}
