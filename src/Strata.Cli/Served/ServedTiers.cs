using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Strata.Server;

namespace Strata.Cli;

/// <summary>The tiers of a store that a running server owns, by way of that server.</summary>
internal sealed class ServedTiers(ServedConnection connection, string path) : TierControl
{
    private const string ContentType = "application/jsonl";
    private const int BufferBytes = 64 << 10;

    private static TieringJsonContext Wire => TieringJson.Context;

    public override ValueTask<TieringWire> LookAsync(CancellationToken cancellationToken) =>
        connection.SendAsync(Get(""), Wire.TieringWire, WriteOutcome.NotApplied, "status", cancellationToken);

    public override ValueTask<TieringReport> RunAsync(TieringRun run, IProgress<TieringProgress> progress, CancellationToken cancellationToken) =>
        RunAsync(Post("/run", RunWire.From(run), Wire.RunWire), Wire.OperationLineTieringProgressTieringReport, progress, "run", cancellationToken);

    public override async ValueTask<TierExplanation?> ExplainAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await connection.SendAsync(Get($"/explain?key={Uri.EscapeDataString(key.Value)}"), WriteOutcome.NotApplied, "explain", cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null : await connection.ReadAsync(response, Wire.TierExplanation, WriteOutcome.NotApplied, "explain", cancellationToken);
    }

    public override ValueTask<MoveStatus> PromoteAsync(BlobKey key, string? tier, CancellationToken cancellationToken) =>
        MoveAsync(Post("/promote", new MoveWire(key.Value, tier), Wire.MoveWire), "promote", cancellationToken);

    public override ValueTask<MoveStatus> DemoteAsync(BlobKey key, string? tier, bool keepInSource, CancellationToken cancellationToken) =>
        MoveAsync(Post("/demote", new MoveWire(key.Value, tier, keepInSource), Wire.MoveWire), "demote", cancellationToken);

    public override ValueTask<MoveStatus> PinAsync(BlobKey key, string tier, CancellationToken cancellationToken) =>
        MoveAsync(Post("/pin", new PinWire(key.Value, tier), Wire.PinWire), "pin", cancellationToken);

    public override async ValueTask<bool> UnpinAsync(BlobKey key, CancellationToken cancellationToken) =>
        (await connection.SendAsync(Post("/unpin", new UnpinWire(key.Value), Wire.UnpinWire), Wire.UnpinnedWire, WriteOutcome.Unknown, "unpin", cancellationToken)).WasPinned;

    public override ValueTask<IReadOnlyList<TierPin>> PinsAsync(CancellationToken cancellationToken) =>
        connection.SendAsync(Get("/pins"), Wire.IReadOnlyListTierPin, WriteOutcome.NotApplied, "pins", cancellationToken);

    public override ValueTask<BootstrapResult> BootstrapAsync(string tier, BootstrapOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        RunAsync(Post("/bootstrap", BootstrapWire.Of(tier, options), Wire.BootstrapWire), Wire.OperationLineUpkeepProgressBootstrapResult, progress, "bootstrap", cancellationToken);

    public override ValueTask<ClearTierResult> ClearAsync(string tier, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        RunAsync(Post("/clear", new ClearWire(tier), Wire.ClearWire), Wire.OperationLineUpkeepProgressClearTierResult, progress, "clear", cancellationToken);

    public override ValueTask<InvalidateResult> InvalidateAsync(BlobKey key, CancellationToken cancellationToken) =>
        InvalidateAsync(new InvalidateWire(Key: key.Value), null, cancellationToken);

    public override ValueTask<InvalidateResult> InvalidateAsync(string prefix, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        InvalidateAsync(prefix.Length == 0 ? new InvalidateWire(All: true) : new InvalidateWire(Prefix: prefix), progress, cancellationToken);

    public override ValueTask<ScrubReport> ScrubAsync(ScrubOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        RunAsync(Post("/scrub", ScrubWire.From(options), Wire.ScrubWire), Wire.OperationLineUpkeepProgressScrubReport, progress, "scrub", cancellationToken);

    public override async ValueTask<MetadataExport> ExportAsync(Stream target, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await connection.SendAsync(Get("/export"), WriteOutcome.NotApplied, "export", cancellationToken);
        var tail = new LastLine();
        try
        {
            await using Stream source = await response.Content.ReadAsStreamAsync(cancellationToken);
            byte[] buffer = new byte[BufferBytes];
            int read;
            while ((read = await ReadAsync(source, buffer, cancellationToken)) > 0)
            {
                tail.Add(buffer.AsSpan(0, read));
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);

                // The first line is the file's head.
                progress.Report(new UpkeepProgress(Math.Max(0, tail.Lines - 1), 0, 0, null));
            }

            await target.FlushAsync(cancellationToken);
            ExportEndWire? end = JsonSerializer.Deserialize(tail.Text, Wire.ExportEndWire);
            return new MetadataExport { Blobs = end!.Blobs, Bytes = end.Bytes, UnlistedTiers = end.Unlisted ?? [] };
        }
        catch (JsonException e)
        {
            throw BrokeOff("export", WriteOutcome.NotApplied, e);
        }
    }

    public override async ValueTask<MetadataImport> ImportAsync(Stream source, ImportMetadataOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = connection.Request(HttpMethod.Post, $"{path}/import{(options.OverOtherContent ? "?overOtherContent=true" : "")}");
        request.Content = new StreamContent(source) { Headers = { ContentType = new MediaTypeHeaderValue(ContentType) } };
        request.Headers.ExpectContinue = true;
        return await RunAsync(request, Wire.OperationLineUpkeepProgressMetadataImport, progress, "import", cancellationToken);
    }

    private HttpRequestMessage Get(string what) => connection.Request(HttpMethod.Get, path + what);

    private HttpRequestMessage Post<T>(string what, T body, JsonTypeInfo<T> type)
    {
        HttpRequestMessage request = connection.Request(HttpMethod.Post, path + what);
        request.Content = ServedConnection.Json(body, type);
        return request;
    }

    private async ValueTask<MoveStatus> MoveAsync(HttpRequestMessage request, string operation, CancellationToken cancellationToken) =>
        (await connection.SendAsync(request, Wire.MovedWire, WriteOutcome.Unknown, operation, cancellationToken)).Status;

    private ValueTask<InvalidateResult> InvalidateAsync(InvalidateWire what, IProgress<UpkeepProgress>? progress, CancellationToken cancellationToken) =>
        RunAsync(Post("/invalidate", what, Wire.InvalidateWire), Wire.OperationLineUpkeepProgressInvalidateResult, progress, "invalidate", cancellationToken);

    /// <summary>Follows an operation of the server to its last line.</summary>
    private async ValueTask<TResult> RunAsync<TProgress, TResult>(
        HttpRequestMessage request, JsonTypeInfo<OperationLine<TProgress, TResult>> type, IProgress<TProgress>? progress, string operation, CancellationToken cancellationToken)
        where TProgress : struct
        where TResult : class
    {
        using HttpResponseMessage response = await connection.SendAsync(request, WriteOutcome.Unknown, operation, cancellationToken);
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            using var lines = new StreamReader(body);
            while (await lines.ReadLineAsync(cancellationToken) is { } text)
            {
                OperationLine<TProgress, TResult>? line = JsonSerializer.Deserialize(text, type);
                if (line?.Error is { } error) throw error.ToException();
                if (line?.Result is { } result) return result;
                if (line?.Progress is { } now) progress?.Report(now);
            }
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw BrokeOff(operation, WriteOutcome.Unknown, e);
        }

        throw BrokeOff(operation, WriteOutcome.Unknown, null);
    }

    /// <summary>Reads of the server, whose failure is not one of the file that is written.</summary>
    private async ValueTask<int> ReadAsync(Stream source, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException e)
        {
            throw BrokeOff("export", WriteOutcome.NotApplied, e);
        }
    }

    private StorageException BrokeOff(string operation, WriteOutcome outcome, Exception? e) =>
        new(StorageErrorKind.Unavailable, $"The answer of the server at {connection.Address} to {operation} broke off{(e is null ? "" : $": {e.Message}")}.", e) { Outcome = outcome, IsTransient = true, Operation = operation };

    /// <summary>The last line of what has passed, and how many there were; of a line too long for an end its beginning is enough.</summary>
    private sealed class LastLine
    {
        private const int MaxBytes = 64 << 10;
        private readonly ArrayBufferWriter<byte> _line = new();
        private bool _ended;

        public long Lines { get; private set; }

        public ReadOnlySpan<byte> Text => _line.WrittenSpan;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                int end = bytes.IndexOf((byte)'\n');
                ReadOnlySpan<byte> piece = end < 0 ? bytes : bytes[..end];
                if (_ended) _line.ResetWrittenCount();
                _ended = end >= 0;
                _line.Write(piece[..Math.Min(piece.Length, MaxBytes - _line.WrittenCount)]);
                if (end >= 0) Lines++;
                bytes = end < 0 ? [] : bytes[(end + 1)..];
            }
        }
    }
}
