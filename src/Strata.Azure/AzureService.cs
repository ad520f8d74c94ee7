using System.Globalization;
using System.Text;
using Azure.Core;

namespace Strata.Azure;

/// <summary>One container: requests by <see cref="AzureClient"/>, and what their answers mean.</summary>
/// <param name="options">Prefix and access tier.</param>
/// <param name="client">Closed with this.</param>
/// <param name="clock">By which listings leave out common prefixes of what has expired.</param>
internal sealed partial class AzureService(AzureBlobStoreOptions options, AzureClient client, TimeProvider clock) : IRemoteService
{
    /// <summary>The longest block that this store sends: 1 GiB.</summary>
    private const int MaxBlockBytes = 1 << 30;

    private const int MaxBlocks = 50_000;

    /// <summary>The longest blob: 48.8 TiB.</summary>
    private const long MaxBlobBytes = (long)MaxBlockBytes * MaxBlocks;

    /// <summary>Azure takes 8 KiB, names and values; a little is left for the prefix that some servers count.</summary>
    private const int MaxMetadataBytes = 7_000;

    private readonly string _root = BlobNames.Encode(options.Prefix);

    public RemoteTraits Traits { get; } = new()
    {
        // Names are C# identifiers, and those that differ in case alone are one: what is anything else is in the record.
        Record = new RemoteRecord(MaxMetadataBytes, (name, value) =>
            name.Length <= 128 && (char.IsAsciiLetterLower(name[0]) || name[0] == '_') && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
            && !value.Contains("  ", StringComparison.Ordinal)),
        RecordPlace = $"the metadata '{RemoteRecord.Header}'",
        ContainerWord = "container",
        PartWord = "block",
        MaxBlobBytes = MaxBlobBytes,
        MaxSingleBytes = AzureBlobStoreOptions.MaxSingleBytes,
        MaxParts = MaxBlocks,
        MaxPartBytes = MaxBlockBytes,
        CopiedAtOnce = AzureBlobStoreOptions.MostInOneCopy,
        ConditionalPut = true,
        ConditionalJoin = true,
        ConditionalDelete = true,
        ConditionalCopy = true,
        CopySourceMatch = true,
        UniqueETags = true,
        TellsMissing = true,
        UpdatesInPlace = true,
        ListsRecords = true,
    };

    public RemoteCalls Calls { get; } = new(options.Remote.Limits, AzureErrors.Classify);

    public string Root => _root;

    public AzureClient Client => client;

    public string NameOf(BlobKey key, string operation)
    {
        string name = _root + BlobNames.Encode(key.Value);
        if (name.Length > AzureBlobStoreOptions.MaxNameBytes || Encoding.UTF8.GetByteCount(name) > AzureBlobStoreOptions.MaxNameBytes)
            throw StorageException.Unsupported(operation, key, options.Name, $"keys that have more than {AzureBlobStoreOptions.MaxNameBytes} bytes with its prefix, as it writes them");
        return name;
    }

    public RemoteAnswer? AnswerOf(Exception error) => error is not AzureFailure e ? null
        : e.IsRefused ? RemoteAnswer.Refused
        : e.IsMissing || e.IsSourceChanged ? RemoteAnswer.Missing : null;

    public bool IsOutOfRange(Exception error) => error is AzureFailure { Status: 416 };

    public async Task<RemoteObject> HeadAsync(BlobKey key, string name, RemoteAttempt attempt)
    {
        AzureResponse head = await client.SendAsync(RequestMethod.Head, name, null, attempt).ConfigureAwait(false);
        return ObjectOf(key, head, head.ContentLength);
    }

    /// <summary>Azure tells.</summary>
    public ValueTask SeeContainerAsync(BlobKey key, string operation, CancellationToken cancellationToken) => default;

    public async Task<RemoteResponse> GetAsync(BlobKey key, string name, BlobRange? range, RemoteBlob? pinned, RemoteAttempt attempt)
    {
        AzureResponse response = await client.SendAsync(RequestMethod.Get, name, request =>
        {
            if (pinned is not null) request.Headers.SetValue("If-Match", pinned.NativeETag);
            if (range is { } part) request.Headers.SetValue("x-ms-range", RangeOf(part, pinned));
        }, attempt, streams: true).ConfigureAwait(false);
        (long offset, long total) = RemoteResponse.Extent(response.Header("Content-Range"), response.ContentLength);
        return new RemoteResponse(ObjectOf(key, response, total), offset, response.ContentLength, response.Stream!, response.Stream!, response.Stream!);
    }

    public Task PutAsync(string name, Stream content, RemoteHeaders headers, RemotePrecondition condition, bool isBlob, RemoteAttempt attempt) => client.SendAsync(RequestMethod.Put, name, request =>
    {
        request.Headers.SetValue("x-ms-blob-type", "BlockBlob");
        AddTypes(request, headers);
        AddMetadata(request, headers);
        AddCondition(request, condition);
        if (isBlob) AddTier(request);
        request.Content = RequestContent.Create(content);
    }, attempt);

    public Task RemoveAsync(string name, string? etag, RemoteAttempt attempt) => client.SendAsync(RequestMethod.Delete, name, request => AddCondition(request, new RemotePrecondition(etag)), attempt);

    public Task<IReadOnlyList<RemoteRefusal>> RemoveManyAsync(IReadOnlyCollection<string> names, RemoteAttempt attempt) => throw new NotSupportedException("Each delete is a request.");

    public async ValueTask<RemoteSource> SourceAsync(RemoteBlob blob, string operation, CancellationToken cancellationToken)
    {
        (string address, string? authorization) = await client.SourceAsync(NameOf(blob.Info.Key, operation), cancellationToken).ConfigureAwait(false);
        return new RemoteSource(blob, address, authorization);
    }

    public async Task<bool> CopyAsync(RemoteSource source, string target, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt)
    {
        await client.SendAsync(RequestMethod.Put, target, request =>
        {
            request.Headers.SetValue("x-ms-copy-source", source.Address);
            request.Headers.SetValue("x-ms-requires-sync", "true");
            if (source.Authorization is { } authorization) request.Headers.SetValue("x-ms-copy-source-authorization", authorization);
            request.Headers.SetValue("x-ms-source-if-match", source.Blob.NativeETag);
            AddMetadata(request, headers);
            AddCondition(request, condition);
            AddTier(request);
        }, attempt).ConfigureAwait(false);
        return true;
    }

    public Task RestateAsync(string name, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt) => client.SendAsync(RequestMethod.Put, name, request =>
    {
        request.Uri.AppendQuery("comp", "metadata");
        AddMetadata(request, headers);
        AddCondition(request, condition);
    }, attempt);

    public async Task ShowTypesAsync(BlobKey key, string name, RemoteHeaders headers, string writeId, RemoteAttempt attempt)
    {
        AzureResponse head = await client.SendAsync(RequestMethod.Head, name, null, attempt).ConfigureAwait(false);
        if (ObjectOf(key, head, head.ContentLength).Read(Traits, options.Name).WriteId != writeId) return;
        await client.SendAsync(RequestMethod.Put, name, request =>
        {
            // What is not said is cleared.
            request.Uri.AppendQuery("comp", "properties");
            AddTypes(request, headers);
            foreach (string kept in (string[])["Cache-Control", "Content-Disposition", "Content-Language", "Content-MD5"])
            {
                if (head.Header(kept) is { } value) request.Headers.SetValue($"x-ms-blob-{kept.ToLowerInvariant()}", value);
            }

            AddCondition(request, new RemotePrecondition(head.Header("ETag")));
        }, attempt).ConfigureAwait(false);
    }

    /// <summary>Azure begins an upload with its first block.</summary>
    public ValueTask<IRemoteParts> BeginAsync(BlobKey key, RemoteHeaders headers, string writeId, bool isBlob, CancellationToken cancellationToken) =>
        new(new AzureBlocks(this, options.Name, key, NameOf(key, "write"), writeId, isBlob));

    /// <summary>Azure drops blocks that were never joined by itself.</summary>
    public ValueTask<int> EndUploadsAsync(DateTimeOffset before, Func<string, bool> isOurs, CancellationToken cancellationToken) => new(0);

    public void Dispose() => client.Dispose();

    /// <summary>What the service is to check.</summary>
    public static void AddCondition(Request request, RemotePrecondition condition)
    {
        if (condition.Match is { } etag) request.Headers.SetValue("If-Match", etag);
        if (condition.IsAbsent) request.Headers.SetValue("If-None-Match", "*");
    }

    public static void AddMetadata(Request request, RemoteHeaders headers)
    {
        foreach ((string name, string value) in headers.Metadata) request.Headers.SetValue($"x-ms-meta-{name}", value);
    }

    public static void AddTypes(Request request, RemoteHeaders headers)
    {
        if (headers.ContentType is { } type) request.Headers.SetValue("x-ms-blob-content-type", type);
        if (headers.ContentEncoding is { } encoding) request.Headers.SetValue("x-ms-blob-content-encoding", encoding);
    }

    /// <summary>In which tier the service is to keep what is written.</summary>
    public void AddTier(Request request)
    {
        if (options.AccessTier is { } tier) request.Headers.SetValue("x-ms-access-tier", tier.ToString());
    }

    public static RemoteObject ObjectOf(BlobKey key, AzureResponse response, long length) => ObjectOf(
        new BlobInfo
        {
            Key = key,
            Length = length,
            ETag = response.Header("ETag") ?? "",
            Created = response.LastModified,
            Modified = response.LastModified,
            ContentType = response.Header("Content-Type"),
            ContentEncoding = response.Header("Content-Encoding"),
        },
        response.Metadata);

    /// <param name="bare">What the service says, its ETag as it is.</param>
    /// <param name="metadata">Names without their prefix.</param>
    private static RemoteObject ObjectOf(BlobInfo bare, IEnumerable<KeyValuePair<string, string>> metadata) =>
        new(bare with { ETag = bare.ETag.Trim('"'), ContentType = bare.ContentType == "application/octet-stream" ? null : bare.ContentType }, bare.ETag, metadata);

    private static string RangeOf(BlobRange range, RemoteBlob? pinned)
    {
        // Azure knows no range from the end: what a look tells of the length it does.
        long first = Math.Min(range.Offset, MaxBlobBytes);
        if (range.Offset < 0) range.TryResolve(pinned!.Info.Length, out first, out _);
        string last = range.Length is { } some && some < MaxBlobBytes ? (first + some - 1).ToString(CultureInfo.InvariantCulture) : "";
        return string.Create(CultureInfo.InvariantCulture, $"bytes={first}-{last}");
    }
}
