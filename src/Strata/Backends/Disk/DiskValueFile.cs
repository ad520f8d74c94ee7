using System.Buffers;
using System.Text;

namespace Strata;

/// <summary>
/// What the log notes of a value file that is in use: behind the file's own record for whom it is, so that it is found even
/// where the blob's reference to it is damaged. docs/formats/disk-store.md
/// </summary>
/// <param name="Key">The blob's, or of the upload.</param>
/// <param name="UploadId">The upload whose part it is or was; null: none.</param>
/// <param name="Length">Bytes of the value.</param>
internal readonly record struct DiskValueFile(BlobKey Key, string? UploadId, long Length)
{
    /// <summary>Puts the record of a file.</summary>
    /// <returns>Bytes of the entry.</returns>
    public int Put(LogBatch batch, ulong id)
    {
        Span<byte> record = stackalloc byte[ValueFileRecord.ValueBytes];
        new ValueFileRecord(id, Length).WriteValue(record);
        byte[] owner = new byte[DiskKey.UploadIdBytes + Encoding.UTF8.GetByteCount(Key.Value)], key = DiskKey.OfFile(id);
        if (UploadId is { } upload) Convert.FromHexString(upload, owner.AsSpan(0, DiskKey.UploadIdBytes), out _, out _);
        Encoding.UTF8.GetBytes(Key.Value, owner.AsSpan(DiskKey.UploadIdBytes));
        batch.Put(key, record, new ReadOnlySequence<byte>(owner));
        return LogEntryHeader.LengthOf(key.Length, record.Length + owner.Length);
    }

    /// <exception cref="InvalidDataException">It is not what Strata writes.</exception>
    public static DiskValueFile Read(in LogEntry entry)
    {
        ReadOnlySpan<byte> owner = entry.Body.Span;
        if (!ValueFileRecord.TryRead(entry.Key.Span, entry.Head.Span, out ValueFileRecord record) || owner.Length <= DiskKey.UploadIdBytes)
            throw new InvalidDataException("the record of a value file has a format that this version of Strata does not read");
        ReadOnlySpan<byte> upload = owner[..DiskKey.UploadIdBytes];
        return new DiskValueFile(
            BlobKey.Parse(Encoding.UTF8.GetString(owner[DiskKey.UploadIdBytes..])),
            upload.ContainsAnyExcept((byte)0) ? Convert.ToHexStringLower(upload) : null,
            record.Length);
    }
}
