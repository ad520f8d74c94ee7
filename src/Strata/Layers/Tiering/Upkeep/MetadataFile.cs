using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Strata;

/// <summary>Reads an export of metadata, line by line in bounded memory, and refuses what is not whole.</summary>
/// <param name="source">Read from where it stands.</param>
/// <param name="maxBytes">The longest file that is taken.</param>
internal sealed class MetadataFile(Stream source, long maxBytes)
{
    /// <summary>The longest line: a key, types and 8 KiB of metadata, each character escaped, have room.</summary>
    private const int MaxLineBytes = 128 << 10;

    /// <summary>What the checksum takes at the end of the last line: <c>,"crc32c":"01234567"}</c>.</summary>
    private const int ChecksumBytes = 21;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };
    private readonly byte[] _buffer = new byte[MaxLineBytes];
    private int _start;
    private int _end;
    private long _read;
    private long _line;
    private Crc32C _checksum;

    /// <summary>The name of the store that was exported, once the first blob was read.</summary>
    public string Store { get; private set; } = "";

    /// <summary>When it was exported.</summary>
    public DateTimeOffset Exported { get; private set; }

    /// <summary>The blobs described. Only at the end it is known that the file is whole.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: it is not; of kind Unsupported: another version wrote it.</exception>
    public async IAsyncEnumerable<DescribedBlob> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ReadHeader(await LineAsync(cancellationToken).ConfigureAwait(false) ?? throw Fault("It is empty."));
        long blobs = 0;
        BlobKey last = default;
        while (true)
        {
            Crc32C before = _checksum;
            ReadOnlyMemory<byte> line = await LineAsync(cancellationToken).ConfigureAwait(false) ?? throw Fault("It was cut: its last line is missing.");
            if (Describe(line, blobs, before) is not { } blob) break;
            if (!last.IsDefault && blob.Info.Key <= last) throw Fault($"'{blob.Info.Key}' is not behind '{last}': the lines are in the order of their keys.");
            last = blob.Info.Key;
            blobs++;
            yield return blob;
        }

        if (await LineAsync(cancellationToken).ConfigureAwait(false) is not null) throw Fault("Something follows its end.");
    }

    private void ReadHeader(ReadOnlyMemory<byte> line)
    {
        using JsonDocument document = Parse(line);
        try
        {
            if (DescribedBlob.Text(document.RootElement, "format") != MetadataExporter.Format) throw Fault("It is no export of a tiered store's metadata.");
            long version = DescribedBlob.Number(document.RootElement, "version");
            if (version != MetadataExporter.Version)
                throw new StorageException(StorageErrorKind.Unsupported, $"The export is of version {version}; this version of Strata reads {MetadataExporter.Version}.") { Operation = "import" };
            Store = DescribedBlob.Text(document.RootElement, "store") ?? "";
            Exported = DescribedBlob.Time(document.RootElement, "time") ?? default;
        }
        catch (FormatException e)
        {
            throw Fault(e.Message, e);
        }
    }

    /// <returns>The line's blob; null for the last line, which was checked.</returns>
    private DescribedBlob? Describe(ReadOnlyMemory<byte> line, long blobs, Crc32C checksum)
    {
        using JsonDocument document = Parse(line);
        try
        {
            if (document.RootElement.TryGetProperty("key", out _)) return DescribedBlob.Read(document.RootElement);
            if (DescribedBlob.Number(document.RootElement, "blobs") is var counted && counted != blobs) throw Fault($"It describes {blobs} blobs, and its end says {counted}.");
            checksum.Append(line.Span[..Math.Max(0, line.Length - ChecksumBytes)]);
            if (!line.Span.EndsWith(Encoding.ASCII.GetBytes($",\"crc32c\":\"{checksum.Value:x8}\"}}"))) throw Fault("It was changed or damaged: its checksum does not hold.");
            return null;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw Fault(e.Message, e);
        }
    }

    private JsonDocument Parse(ReadOnlyMemory<byte> line)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(line, Strict);
        }
        catch (JsonException e)
        {
            throw Fault($"It is no JSON: {e.Message}", e);
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        document.Dispose();
        throw Fault("It is no JSON object.");
    }

    /// <summary>The next line without its end, valid until the one after; null at the end of the file.</summary>
    private async ValueTask<ReadOnlyMemory<byte>?> LineAsync(CancellationToken cancellationToken)
    {
        _line++;
        int searched = 0;
        while (true)
        {
            int found = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (found >= 0)
            {
                ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, searched + found);
                _checksum.Append(_buffer.AsSpan(_start, line.Length + 1));
                _start += line.Length + 1;
                return line;
            }

            searched = _end - _start;
            if (searched == MaxLineBytes) throw Fault($"It is longer than {MaxLineBytes} bytes.");
            if (!await FillAsync(cancellationToken).ConfigureAwait(false)) return searched == 0 ? null : throw Fault("It was cut within this line.");
        }
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        int read = await source.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _end += read;
        if ((_read += read) > maxBytes) throw Fault($"The file is longer than {maxBytes} bytes.");
        return read > 0;
    }

    private StorageException Fault(string what, Exception? inner = null) =>
        new(StorageErrorKind.Corrupt, $"Line {_line} of the export of metadata: {what} Nothing was imported.", inner) { Operation = "import" };
}
