using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>The keys of the disk store in its log: a keyspace, then what names the thing. docs/formats/disk-store.md</summary>
internal static class DiskKey
{
    /// <summary>Bytes of the longest: an upload of the longest key.</summary>
    public const int MaxBytes = 1 + BlobKey.MaxBytes + 1 + UploadIdBytes;

    /// <summary>Bytes of an upload's id.</summary>
    public const int UploadIdBytes = 16;

    private const int FileBytes = 1 + sizeof(ulong), PartBytes = 1 + UploadIdBytes + sizeof(ushort);

    /// <summary>The key of a blob, or, with the first byte changed, of its payload.</summary>
    /// <param name="space">Where it is to be.</param>
    /// <param name="key">The blob's.</param>
    /// <param name="room"><see cref="MaxBytes"/> bytes, which hold it.</param>
    public static Span<byte> Of(LogKeyspace space, BlobKey key, Span<byte> room)
    {
        room[0] = (byte)space;
        return room[..(1 + Encoding.UTF8.GetBytes(key.Value, room[1..]))];
    }

    /// <summary>Where the blobs begin whose keys are not before a text, which may be no key itself, nor valid Unicode.</summary>
    public static byte[] SeekBlob(string text)
    {
        ReadOnlySpan<char> valid = text;
        string lone = "";
        for (int i = 0; i < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out _, out int length) == OperationStatus.Done)
            {
                i += length;
                continue;
            }

            // The first that a lone surrogate can begin, or, if it cannot begin one, the last of all.
            lone = char.IsHighSurrogate(text[i]) ? $"{text[i]}\uDC00" : "\uDBFF\uDFFF";
            valid = text.AsSpan(0, i);
            break;
        }

        byte[] key = new byte[1 + Encoding.UTF8.GetByteCount(valid) + Encoding.UTF8.GetByteCount(lone)];
        key[0] = (byte)LogKeyspace.Blobs;
        int at = 1 + Encoding.UTF8.GetBytes(valid, key.AsSpan(1));
        Encoding.UTF8.GetBytes(lone, key.AsSpan(at));
        return key;
    }

    /// <summary>The blob's key that a key of the log names.</summary>
    public static BlobKey ToBlobKey(ReadOnlySpan<byte> key) => BlobKey.Parse(Encoding.UTF8.GetString(key[1..]));

    /// <summary>The key of a value file.</summary>
    public static byte[] OfFile(ulong id)
    {
        byte[] key = new byte[FileBytes];
        key[0] = (byte)LogKeyspace.ValueFiles;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), id);
        return key;
    }

    /// <summary>The number of the value file that a key names.</summary>
    public static ulong ToFile(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt64BigEndian(key[1..]);

    /// <summary>The key of an upload: those of one blob lie together, in the order of their ids.</summary>
    public static byte[] OfUpload(BlobKey key, string uploadId)
    {
        Span<byte> room = stackalloc byte[MaxBytes];
        int length = Of(LogKeyspace.Uploads, key, room).Length;
        room[length++] = 0;
        Convert.FromHexString(uploadId, room.Slice(length, UploadIdBytes), out _, out _);
        return room[..(length + UploadIdBytes)].ToArray();
    }

    /// <summary>Blob and id of the upload that a key names.</summary>
    public static (BlobKey Key, string UploadId) ToUpload(ReadOnlySpan<byte> key) =>
        (ToBlobKey(key[..^(1 + UploadIdBytes)]), Convert.ToHexStringLower(key[^UploadIdBytes..]));

    /// <summary>The key of a part: those of one upload lie together, in the order of their numbers.</summary>
    /// <param name="uploadId">The upload's.</param>
    /// <param name="number">From 1 on; 0 and 65,535 are below and above all parts.</param>
    public static byte[] OfPart(string uploadId, int number)
    {
        byte[] key = new byte[PartBytes];
        key[0] = (byte)LogKeyspace.Parts;
        Convert.FromHexString(uploadId, key.AsSpan(1, UploadIdBytes), out _, out _);
        BinaryPrimitives.WriteUInt16BigEndian(key.AsSpan(1 + UploadIdBytes), checked((ushort)number));
        return key;
    }

    /// <summary>Upload and number of the part that a key names.</summary>
    public static (string UploadId, int Number) ToPart(ReadOnlySpan<byte> key) =>
        (Convert.ToHexStringLower(key.Slice(1, UploadIdBytes)), BinaryPrimitives.ReadUInt16BigEndian(key[(1 + UploadIdBytes)..]));
}
