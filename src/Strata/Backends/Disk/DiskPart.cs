namespace Strata;

/// <summary>A part of an upload, as it was found in the log.</summary>
/// <param name="Number">1 to <see cref="IMultipartUploads.MaxParts"/>.</param>
/// <param name="Info">Length, ETag, checksum, time and metadata.</param>
/// <param name="Piece">Where its bytes are; null if it has none.</param>
/// <param name="Location">Where its entry is.</param>
internal sealed record DiskPart(int Number, BlobInfo Info, ValuePiece? Piece, LogLocation Location)
{
    /// <exception cref="InvalidDataException">It is not what Strata writes.</exception>
    public static DiskPart Read(BlobKey key, int number, in LogEntry entry)
    {
        BlobInfo info = DiskRecord.Read(key, entry.Head.Span, 0, 0);
        if (entry.Body.IsEmpty) return new DiskPart(number, info, null, entry.Location);
        if (ValueReference.Read(entry.Body, out ValueReference? reference) is { } fault) throw new InvalidDataException(fault);
        return reference!.Count == 1 && reference.Length == info.Length
            ? new DiskPart(number, info, reference.ToPieces()[0], entry.Location)
            : throw new InvalidDataException($"it has {info.Length} bytes and names {reference.Count} files of {reference.Length}");
    }

    public UploadedPart Describe() => new()
    {
        Number = Number, Length = Info.Length, ETag = Info.ETag, Checksum = Info.Checksum ?? 0, Modified = Info.Modified, Metadata = Info.Metadata,
    };
}
