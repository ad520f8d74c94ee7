using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using Strata.Server;

namespace Strata.Cli;

/// <summary>
/// A store of a folder that a running server owns, by way of that server. <i>Commit point</i>: that of the served store;
/// a connection that breaks after the last byte of a write leaves its outcome unknown.
/// </summary>
internal sealed class ServedBlobStore : IBlobStore
{
    // Below this a refused body costs less than the round trip that asks whether to send it.
    private const long AskBeforeSending = 1024 * 1024;

    private readonly ServedConnection _connection;
    private readonly string _path;
    private bool _closed;

    private ServedBlobStore(ServedConnection connection, string path, StoreCapabilities capabilities)
    {
        _connection = connection;
        _path = path;
        Capabilities = capabilities;
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    private string Store => Capabilities.Store;

    /// <summary>Opens the store of this name; the connection stays the caller's.</summary>
    public static async ValueTask<ServedBlobStore> OpenAsync(ServedConnection connection, string name, CancellationToken cancellationToken)
    {
        string path = $"stores/{Uri.EscapeDataString(name)}";
        StoreCapabilities capabilities = await connection.SendAsync(
            connection.Request(HttpMethod.Get, path + "/capabilities"), BlobWire.Context.StoreCapabilities, WriteOutcome.NotApplied, "open", cancellationToken);

        // A command writes a stream; the blob API has no uploads in parts.
        return new ServedBlobStore(connection, path, capabilities with { MultipartUploads = false });
    }

    /// <summary>The store's tiers, for who decides on them.</summary>
    public ServedTiers Tiers => new(_connection, _path + "/tiering");

    /// <summary>Names of the tiers that hold the key, fastest first.</summary>
    public async ValueTask<IReadOnlyList<string>> LocateAsync(BlobKey key, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = _connection.Request(HttpMethod.Get, $"{_path}/locate?key={Uri.EscapeDataString(key.Value)}");
        using HttpResponseMessage response = await _connection.SendAsync(request, WriteOutcome.NotApplied, "locate", cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound) return [];
        LocateWire located = await _connection.ReadAsync(response, BlobWire.Context.LocateWire, WriteOutcome.NotApplied, "locate", cancellationToken);
        return located.Tiers;
    }

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        Begin(key, "stat");
        using HttpResponseMessage response = await _connection.SendAsync(Request(HttpMethod.Head, key), WriteOutcome.NotApplied, "stat", cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null : InfoOf(response);
    }

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Begin(key, "read");
        HttpRequestMessage request = Request(HttpMethod.Get, key);
        if (options is not null) AddOptions(request, options);
        HttpResponseMessage response = await _connection.SendAsync(request, WriteOutcome.NotApplied, "read", cancellationToken);
        bool handedOver = false;
        try
        {
            if (response.StatusCode == HttpStatusCode.NotFound) return null;
            BlobInfo info = InfoOf(response);
            string source = Uri.UnescapeDataString(response.Headers.GetValues(BlobWire.SourceHeader).First());
            BlobReadStatus status = (int)response.StatusCode switch
            {
                304 => BlobReadStatus.NotModified,
                412 => BlobReadStatus.PreconditionFailed,
                416 => BlobReadStatus.RangeNotSatisfiable,
                _ => BlobReadStatus.Found,
            };
            if (status != BlobReadStatus.Found) return BlobReadResult.WithoutBytes(status, info, source);
            ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
            long offset = range?.From ?? 0, length = range is null ? info.Length : range.To!.Value - offset + 1;
            var result = new ServedReadResult(response, await response.Content.ReadAsStreamAsync(cancellationToken), info, offset, length, source);
            handedOver = true;
            return result;
        }
        finally
        {
            if (!handedOver) response.Dispose();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(
        BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        Begin(key, "write");
        Capabilities.Check(key, options, "write");
        cancellationToken.ThrowIfCancellationRequested();
        var body = new ServedContent(content, Store, key);
        HttpRequestMessage request = Request(HttpMethod.Put, key, options);
        request.Content = body;
        request.Headers.ExpectContinue = content.Length is not < AskBeforeSending;
        using var sending = new CancellationTokenSource();
        using CancellationTokenRegistration registration = cancellationToken.Register(() =>
        {
            if (body.TryCancel()) sending.Cancel();
        });
        try
        {
            WriteResultWire result = await _connection.SendAsync(request, BlobWire.Context.WriteResultWire, WriteOutcome.Unknown, "write", sending.Token);
            return result.ToResult();
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        Begin(key, "write");
        Capabilities.Check(key, options, "write");
        cancellationToken.ThrowIfCancellationRequested();
        return new(new ServedBlobWriter(_connection, Request(HttpMethod.Post, key, options), () => CheckOpen("write")));
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        Begin(key, "delete");
        Capabilities.Check(key, condition, "delete");
        HttpRequestMessage request = Request(HttpMethod.Delete, key, condition == default ? null : new WriteOptions { Condition = condition });
        return (await DispatchAsync(request, BlobWire.Context.DeleteResultWire, "delete", cancellationToken)).ToResult();
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (BlobKey key in keys) Begin(key, "delete");
        HttpRequestMessage request = _connection.Request(HttpMethod.Post, _path + "/delete");
        request.Content = ServedConnection.Json([.. keys.Select(k => k.Value)], BlobWire.Context.IReadOnlyListString);
        IReadOnlyList<DeleteOutcomeWire> outcomes =
            await DispatchAsync(request, BlobWire.Context.IReadOnlyListDeleteOutcomeWire, "delete", cancellationToken);
        return new DeleteManyResult([.. outcomes.Select(o => o.ToOutcome())]);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(
        BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        Begin(key, "update");
        Capabilities.Check(key, condition, "update");
        HttpRequestMessage request = Request(HttpMethod.Patch, key);
        request.Content = ServedConnection.Json(new UpdateWire(BlobChangesWire.From(changes), ConditionWire.From(condition)), BlobWire.Context.UpdateWire);
        return (await DispatchAsync(request, BlobWire.Context.WriteResultWire, "update", cancellationToken)).ToResult();
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        Begin(source, "copy");
        Begin(target, "copy");
        if (options is not null)
        {
            Capabilities.Check(source, options.SourceCondition, "copy");
            Capabilities.Check(target, options.Condition, "copy");
        }

        HttpRequestMessage request = _connection.Request(HttpMethod.Post, _path + "/copy");
        request.Content = ServedConnection.Json(CopyWire.From(source, target, options), BlobWire.Context.CopyWire);
        return (await DispatchAsync(request, BlobWire.Context.WriteResultWire, "copy", cancellationToken)).ToResult();
    }

    /// <inheritdoc/>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        CheckOpen("list");
        request.Validate();
        string query = string.Create(CultureInfo.InvariantCulture, $"?limit={request.Limit}&prefix={Uri.EscapeDataString(request.Prefix)}");
        if (request.Delimiter is not null) query += "&delimiter=" + Uri.EscapeDataString(request.Delimiter);
        if (request.StartAfter is not null) query += "&startAfter=" + Uri.EscapeDataString(request.StartAfter);
        if (!request.Exact) query += "&exact=false";
        if (request.Token is not null) query += "&token=" + Uri.EscapeDataString(request.Token);
        ListPageWire page = await _connection.SendAsync(
            _connection.Request(HttpMethod.Get, _path + "/blobs" + query), BlobWire.Context.ListPageWire, WriteOutcome.NotApplied, "list", cancellationToken);
        return page.ToPage();
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = null;
        return false;
    }

    /// <summary>Refuses further calls; the served store and the connection stay open.</summary>
    public ValueTask DisposeAsync()
    {
        _closed = true;
        return default;
    }

    private static BlobInfo InfoOf(HttpResponseMessage response) =>
        BlobWire.FromHeader(response.Headers.GetValues(BlobWire.InfoHeader).First(), BlobWire.Context.BlobInfoWire, BlobWire.InfoHeader).ToInfo();

    private static void AddOptions(HttpRequestMessage request, ReadOptions options)
    {
        if (options.Range is { } range)
        {
            long? last = range.Length is { } length && range.Offset <= long.MaxValue - length ? range.Offset + length - 1 : null;
            request.Headers.Range = range.Offset < 0 ? new RangeHeaderValue(null, -range.Offset) : new RangeHeaderValue(range.Offset, last);
        }

        if (options.IfMatch is { } match) request.Headers.TryAddWithoutValidation("If-Match", match == "*" ? match : $"\"{match}\"");
        if (options.IfNoneMatch is { } none) request.Headers.TryAddWithoutValidation("If-None-Match", none == "*" ? none : $"\"{none}\"");
        if (options.Consistency != ReadConsistency.Default) request.Headers.Add(BlobWire.ConsistencyHeader, options.Consistency.ToString());
    }

    /// <summary>A change that is one small request: dispatched when it leaves, so cancellation counts only before.</summary>
    private async ValueTask<T> DispatchAsync<T>(
        HttpRequestMessage request, JsonTypeInfo<T> type, string operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _connection.SendAsync(request, type, WriteOutcome.Unknown, operation, CancellationToken.None);
    }

    private HttpRequestMessage Request(HttpMethod method, BlobKey key, WriteOptions? options = null)
    {
        HttpRequestMessage request = _connection.Request(method, $"{_path}/blob?key={Uri.EscapeDataString(key.Value)}");
        if (options is not null)
            request.Headers.Add(BlobWire.OptionsHeader, BlobWire.ToHeader(WriteOptionsWire.From(options), BlobWire.Context.WriteOptionsWire));
        return request;
    }

    private void Begin(BlobKey key, string operation)
    {
        StoreCapabilities.CheckKey(key);
        CheckOpen(operation);
    }

    private void CheckOpen(string operation)
    {
        if (_closed) throw StorageException.Closed(operation, Store);
    }
}
