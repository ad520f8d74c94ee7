using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Strata;

/// <summary>Writes an export of metadata (docs/formats/tier-metadata.md): the origin's listing, and beside it those of the tiers above.</summary>
internal sealed class MetadataExporter(UpkeepParts parts, Stream target, IProgress<UpkeepProgress>? progress)
{
    /// <summary>What the first line says that the file is.</summary>
    public const string Format = "strata-tier-metadata";

    /// <summary>The version of the format that is written, and the only one that is read.</summary>
    public const int Version = 1;

    private const int FlushBytes = 64 << 10;
    private const int ProgressKeys = 1000;
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushBytes);
    private readonly SortedSet<string> _unlisted = new(StringComparer.Ordinal);
    private Crc32C _checksum;

    public async ValueTask<MetadataExport> RunAsync(CancellationToken cancellationToken)
    {
        using var json = new Utf8JsonWriter(_buffer, Plain);
        Line(json, WriteHeader);
        long blobs = 0, bytes = 0;
        var walk = new TierWalk([parts.Origin, .. parts.Upper], NoteUnlisted);
        await foreach (WalkedKey at in walk.WalkAsync("", null, cancellationToken).ConfigureAwait(false))
        {
            if (at.Held[0] is not { } info) continue;
            DescribedBlob blob = await DescribeAsync(info, at, cancellationToken).ConfigureAwait(false);
            Line(json, blob.Write);
            blobs++;
            bytes += info.Length;
            if (_buffer.WrittenCount >= FlushBytes) await FlushAsync(cancellationToken).ConfigureAwait(false);
            if (blobs % ProgressKeys == 0) progress?.Report(new UpkeepProgress(blobs, 0, bytes, info.Key.Value));
        }

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        Line(json, writer => WriteTrailer(writer, blobs, bytes));
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await target.FlushAsync(cancellationToken).ConfigureAwait(false);
        progress?.Report(new UpkeepProgress(blobs, 0, bytes, null));
        return new MetadataExport { Blobs = blobs, Bytes = bytes, UnlistedTiers = [.. _unlisted] };
    }

    private bool NoteUnlisted(int source, Exception e)
    {
        if (source == 0) return false;
        UpperTier tier = parts.Upper[source - 1];
        tier.NoteError(e, "list", default);
        return _unlisted.Add(tier.Name) || true;
    }

    private async ValueTask<DescribedBlob> DescribeAsync(BlobInfo info, WalkedKey at, CancellationToken cancellationToken)
    {
        var tiers = new List<string>();
        for (int i = 0; i < parts.Upper.Count; i++)
        {
            if (at.Held[i + 1]?.IsSameWriteAs(info) == true) tiers.Add(parts.Upper[i].Name);
        }

        if (parts.Origin.Store is ITierOrigin origin) tiers.AddRange(await origin.LocateAsync(info.Key, cancellationToken).ConfigureAwait(false));
        else tiers.Add(parts.Origin.Name);
        return new DescribedBlob { Info = info, Tiers = tiers, Score = parts.ScoreOf?.Invoke(info.Key), Pin = parts.PinOf?.Invoke(info.Key) };
    }

    private void WriteHeader(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("version", Version);
        json.WriteString("store", parts.Store);
        json.WriteString("time", DescribedBlob.TimeText(parts.Clock.GetUtcNow()));
        json.WriteStartArray("tiers");
        foreach (UpperTier tier in parts.Upper) json.WriteStringValue(tier.Name);
        json.WriteStringValue(parts.Origin.Name);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteTrailer(Utf8JsonWriter json, long blobs, long bytes)
    {
        json.WriteStartObject();
        json.WriteNumber("blobs", blobs);
        json.WriteNumber("bytes", bytes);
        if (_unlisted.Count > 0)
        {
            json.WriteStartArray("unlisted");
            foreach (string tier in _unlisted) json.WriteStringValue(tier);
            json.WriteEndArray();
        }

        // Of all that stands in front of it, this line's beginning included.
        json.Flush();
        Crc32C checksum = _checksum;
        checksum.Append(_buffer.WrittenSpan);
        json.WriteString("crc32c", checksum.Value.ToString("x8", CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    private void Line(Utf8JsonWriter json, Action<Utf8JsonWriter> write)
    {
        write(json);
        json.Flush();
        json.Reset();
        _buffer.Write("\n"u8);
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        _checksum.Append(_buffer.WrittenSpan);
        await target.WriteAsync(_buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _buffer.ResetWrittenCount();
    }
}
