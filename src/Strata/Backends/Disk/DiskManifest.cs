using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>The list of parts that is a manifest's payload: 32 bytes a part, little-endian, in the order of the blob's bytes.</summary>
internal static class DiskManifest
{
    private const int RecordBytes = 32;

    public static byte[] Encode(IReadOnlyList<DiskPart> parts)
    {
        byte[] payload = new byte[parts.Count * RecordBytes];
        for (int i = 0; i < parts.Count; i++)
        {
            Span<byte> record = payload.AsSpan(i * RecordBytes);
            BinaryPrimitives.WriteInt32LittleEndian(record, parts[i].Number);
            BinaryPrimitives.WriteUInt32LittleEndian(record[4..], parts[i].Checksum);
            BinaryPrimitives.WriteInt64LittleEndian(record[8..], parts[i].Length);
            BinaryPrimitives.WriteUInt64LittleEndian(record[16..], parts[i].Sequence);
            BinaryPrimitives.WriteInt64LittleEndian(record[24..], parts[i].FileBytes);
        }

        return payload;
    }

    /// <summary>Reads and verifies the list; what is returned has the parts, and the length of the whole blob.</summary>
    /// <exception cref="InvalidDataException">The list is not what Strata wrote.</exception>
    public static DiskBlobHeader Read(SafeFileHandle file, DiskBlobHeader header)
    {
        long bytes = header.Info.Length;
        if (bytes % RecordBytes != 0 || bytes / RecordBytes is 0 or > IMultipartUploads.MaxParts) throw new InvalidDataException("its list of parts has an impossible length");
        byte[] payload = new byte[bytes];
        if (!DiskBlobFile.TryReadExactly(file, payload, 0)) throw new InvalidDataException("its list of parts is cut off");
        for (int i = 0; i < header.Chunks.Length; i++)
        {
            int start = i * DiskBlobFile.ChunkBytes;
            if (Crc32C.Of(payload.AsSpan(start, Math.Min(DiskBlobFile.ChunkBytes, payload.Length - start))) != header.Chunks[i])
                throw new InvalidDataException("its list of parts does not match its checksum");
        }

        var parts = new DiskPart[payload.Length / RecordBytes];
        for (int i = 0; i < parts.Length; i++) parts[i] = Decode(payload.AsSpan(i * RecordBytes, RecordBytes));
        return header with { Parts = parts, Info = header.Info with { Length = parts.Sum(p => p.Length) } };
    }

    private static DiskPart Decode(ReadOnlySpan<byte> record) => new(
        BinaryPrimitives.ReadInt32LittleEndian(record),
        BinaryPrimitives.ReadUInt32LittleEndian(record[4..]),
        BinaryPrimitives.ReadInt64LittleEndian(record[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(record[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(record[24..]));
}
