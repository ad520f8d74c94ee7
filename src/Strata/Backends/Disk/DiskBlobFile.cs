using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// One file of the disk store: the payload, then a trailer of metadata (JSON), a CRC-32C for each 64 KiB of payload, and
/// a fixed footer. docs/formats/disk-store.md describes it.
/// </summary>
internal static class DiskBlobFile
{
    public const int ChunkBytes = 64 * 1024;
    public const int FooterBytes = 48;
    public const string Extension = ".blob";
    private const uint Magic = 0x42545331; // "1STB"
    private const int MaxMetadataBytes = 1 << 20;

    /// <summary>
    /// The file's path below the store's folder. The name is a hash, so that no two keys share a file and no key leads
    /// out of the folder; the sequence makes each write a file of its own. A manifest's name tells also the upload whose
    /// parts it lists, so that even a damaged manifest keeps them.
    /// </summary>
    public static string RelativePath(BlobKey key, ulong sequence, string? upload = null)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key.Value)));
        string owned = upload is null ? "" : "." + upload;
        return Path.Combine("blobs", hash[..2], string.Create(CultureInfo.InvariantCulture, $"{hash[2..]}{owned}.{sequence:x16}{Extension}"));
    }

    /// <summary>The upload that a manifest's name tells; null for the name of another file.</summary>
    public static string? UploadOf(string path) => Path.GetFileName(path).Split('.') is [_, var upload, _, _] ? upload : null;

    /// <summary>The sequence in a file's name, 0 if there is none; it counts even where the content is damaged.</summary>
    public static ulong SequenceOf(string path) =>
        ulong.TryParse(Path.GetExtension(Path.GetFileNameWithoutExtension(path)).AsSpan().TrimStart('.'), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong sequence)
            ? sequence
            : 0;

    public static int ChunkCount(long payload) => checked((int)((payload + ChunkBytes - 1) / ChunkBytes));

    /// <summary>What follows the payload.</summary>
    public static byte[] Trailer(DiskBlobMetadata described, DiskFileKind kind, long payload, ulong sequence, ReadOnlySpan<uint> chunks)
    {
        byte[] metadata = JsonSerializer.SerializeToUtf8Bytes(described, DiskBlobJson.Default.DiskBlobMetadata);
        byte[] trailer = new byte[metadata.Length + (chunks.Length * sizeof(uint)) + FooterBytes];
        metadata.CopyTo(trailer, 0);
        for (int i = 0; i < chunks.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(metadata.Length + (i * sizeof(uint))), chunks[i]);
        Span<byte> body = trailer.AsSpan(0, trailer.Length - FooterBytes), footer = trailer.AsSpan(trailer.Length - FooterBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(footer, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(footer[4..], FormatOf(kind));
        BinaryPrimitives.WriteUInt16LittleEndian(footer[6..], (ushort)kind);
        BinaryPrimitives.WriteInt64LittleEndian(footer[8..], payload);
        BinaryPrimitives.WriteUInt64LittleEndian(footer[16..], sequence);
        BinaryPrimitives.WriteInt32LittleEndian(footer[24..], metadata.Length);
        BinaryPrimitives.WriteInt32LittleEndian(footer[28..], chunks.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[32..], Crc32C.Of(body));
        BinaryPrimitives.WriteUInt32LittleEndian(footer[44..], Crc32C.Of(footer[..44]));
        return trailer;
    }

    /// <summary>Reads and verifies the trailer.</summary>
    /// <exception cref="InvalidDataException">The file is not what Strata wrote; the message says what is wrong.</exception>
    public static DiskBlobHeader ReadTrailer(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        Span<byte> footer = stackalloc byte[FooterBytes];
        if (length < FooterBytes || !TryReadExactly(file, footer, length - FooterBytes)) throw new InvalidDataException("its footer is cut off");
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer) != Magic) throw new InvalidDataException("its footer is missing");
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer[44..]) != Crc32C.Of(footer[..44])) throw new InvalidDataException("its footer does not match its checksum");
        var kind = (DiskFileKind)BinaryPrimitives.ReadUInt16LittleEndian(footer[6..]);
        if (kind > DiskFileKind.Part || BinaryPrimitives.ReadUInt16LittleEndian(footer[4..]) != FormatOf(kind))
            throw new InvalidDataException($"its format is {BinaryPrimitives.ReadUInt16LittleEndian(footer[4..])}, kind {(ushort)kind}, which this version does not read");
        long payload = BinaryPrimitives.ReadInt64LittleEndian(footer[8..]);
        int metadata = BinaryPrimitives.ReadInt32LittleEndian(footer[24..]), chunks = BinaryPrimitives.ReadInt32LittleEndian(footer[28..]);
        if (metadata is < 2 or > MaxMetadataBytes || chunks != ChunkCount(payload) || payload + metadata + (chunks * (long)sizeof(uint)) + FooterBytes != length)
            throw new InvalidDataException("its length is not what its footer says");

        byte[] body = new byte[metadata + (chunks * sizeof(uint))];
        if (!TryReadExactly(file, body, payload) || Crc32C.Of(body) != BinaryPrimitives.ReadUInt32LittleEndian(footer[32..]))
            throw new InvalidDataException("its metadata does not match its checksum");
        return Parse(body.AsSpan(0, metadata), payload) with
        {
            Kind = kind,
            Sequence = BinaryPrimitives.ReadUInt64LittleEndian(footer[16..]),
            FileBytes = length,
            Chunks = MemoryMarshal.Cast<byte, uint>(body.AsSpan(metadata)).ToArray(),
        };
    }

    /// <summary>Reads at an offset until the buffer is full; false if the file ends before.</summary>
    public static bool TryReadExactly(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        while (buffer.Length > 0)
        {
            int read = RandomAccess.Read(file, buffer, offset);
            if (read == 0) return false;
            buffer = buffer[read..];
            offset += read;
        }

        return true;
    }

    /// <summary>Format 2 came with uploads: a reader that knows only format 1 refuses these files, where it would take them for blobs.</summary>
    private static ushort FormatOf(DiskFileKind kind) => kind is DiskFileKind.Blob or DiskFileKind.Tombstone ? (ushort)1 : (ushort)2;

    private static DiskBlobHeader Parse(ReadOnlySpan<byte> json, long payload)
    {
        try
        {
            DiskBlobMetadata metadata = JsonSerializer.Deserialize(json, DiskBlobJson.Default.DiskBlobMetadata) ?? throw new InvalidDataException("its metadata is empty");
            return new DiskBlobHeader(metadata.ToInfo(payload)) { Upload = metadata.Upload, Part = metadata.Part ?? 0 };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or FormatException)
        {
            throw new InvalidDataException($"its metadata cannot be read: {e.Message}", e);
        }
    }
}
