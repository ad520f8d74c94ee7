using System.Buffers;
using System.Net.Http.Headers;

namespace Strata.S3;

/// <summary>An object's headers as they are sent.</summary>
/// <param name="ContentType">As HTTP takes it; null if the blob has none, or one that no header can carry.</param>
/// <param name="ContentEncoding">The same.</param>
/// <param name="Metadata">Names without <c>x-amz-meta-</c>.</param>
/// <param name="Appendix">What the appendix must hold before the object may be seen; null if there is none.</param>
internal sealed record ObjectHeaders(string? ContentType, string? ContentEncoding, Dictionary<string, string> Metadata, byte[]? Appendix)
{
    /// <summary>S3 takes 2 KiB of user metadata, names and values; a little is left for servers that count otherwise.</summary>
    private const int MaxMetadataBytes = 1_900;

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>How a blob's record is written into its headers.</summary>
    public static RemoteRecord Record { get; } = new(MaxMetadataBytes, (name, _) =>
        name.Length <= 128 && !name.AsSpan().ContainsAnyExcept(NameCharacters) && name[0] != '-' && name[^1] != '-');

    /// <summary>Headers that say all of a blob, by an appendix where they are too long.</summary>
    /// <param name="info">The blob.</param>
    /// <param name="writeId">Names the write, and the appendix.</param>
    /// <param name="neededUntil">Of a tombstone: until when it keeps older copies out.</param>
    public static ObjectHeaders Of(BlobInfo info, string writeId, DateTimeOffset? neededUntil = null)
    {
        Dictionary<string, string> headers = Record.Headers(info, writeId, null, neededUntil);
        return Record.Fit(headers)
            ? Of(info, headers, null)
            : Of(info, Record.ShortHeaders(info, writeId, writeId), RemoteRecord.Appendix(info, writeId));
    }

    /// <summary>Headers of a blob that is still being written: an appendix will say what it came to.</summary>
    public static ObjectHeaders OfUnfinished(BlobInfo info, string writeId)
    {
        Dictionary<string, string> headers = Record.Headers(info, writeId, writeId);
        return Of(info, Record.Fit(headers) ? headers : Record.ShortHeaders(info, writeId, writeId), null);
    }

    private static ObjectHeaders Of(BlobInfo info, Dictionary<string, string> metadata, byte[]? appendix) => new(
        info.ContentType is { } type && MediaTypeHeaderValue.TryParse(type, out _) ? type : null,
        info.ContentEncoding is { } encoding && !encoding.AsSpan().ContainsAnyExceptInRange('!', '~') ? encoding : null,
        metadata,
        appendix);
}
