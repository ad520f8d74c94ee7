using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// PUT with a copy source: within a store by the store itself, between stores as a stream. What S3 keeps with the content
/// (checksum, parts) goes along with it; metadata and tags do or are replaced, as the client says.
/// </summary>
internal static class S3CopyObject
{
    /// <summary>How often the copy begins anew because its source was replaced in the middle of it.</summary>
    private const int MaxTries = 5;

    /// <summary>What the client asks for.</summary>
    /// <param name="Target">The key to write.</param>
    /// <param name="Given">Types, metadata, tags and condition of its headers.</param>
    /// <param name="NewMetadata">Types and metadata are those given, not the source's.</param>
    /// <param name="NewTags">The tags are those given, not the source's.</param>
    /// <param name="Algorithm">The checksum that the copy must have; null for the source's.</param>
    private sealed record Order(BlobKey Target, WriteOptions Given, bool NewMetadata, bool NewTags, ChecksumAlgorithm? Algorithm)
    {
        public bool ChangesNothing => !NewMetadata && !NewTags && Algorithm is null;
    }

    public static async Task HandleAsync(S3Request request)
    {
        IBlobStore store = request.Store;
        Order order = Read(request);
        (IBlobStore sourceStore, BlobKey sourceKey) = S3CopySource.Named(request);
        if (ReferenceEquals(sourceStore, store) && sourceKey == order.Target && order.ChangesNothing)
        {
            throw S3Error.InvalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.").AsException();
        }

        for (int attempt = 1; await S3CopySource.FindAsync(request) is { } source; attempt++)
        {
            WriteResult? result = await CopyAsync(request, source, order);
            if (result?.IsWritten == true)
            {
                await AnswerAsync(request, result.Info!);
                return;
            }

            bool isReplaced = await sourceStore.StatAsync(sourceKey, request.Aborted) is not { } now || now.ETag != source.Info.ETag;
            if (!isReplaced && result is not null)
            {
                await S3PutObject.RefuseAsync(request, order.Target, order.Given.Condition, result.Info);
                return;
            }

            if (attempt == MaxTries) throw S3Error.OperationAborted("The source is replaced again and again while it is copied.").AsException();
        }
    }

    private static Order Read(S3Request request)
    {
        IHeaderDictionary headers = request.Request.Headers;
        bool newTags = Replaces(headers, "x-amz-tagging-directive");
        if (!newTags && headers.ContainsKey("x-amz-tagging")) throw S3Error.InvalidRequest("x-amz-tagging takes effect with x-amz-tagging-directive: REPLACE alone.").AsException();
        return new Order(
            S3Request.KeyOf(request.Target.Key),
            S3ObjectHeaders.Read(headers),
            Replaces(headers, "x-amz-metadata-directive"),
            newTags,
            ChecksumAlgorithms.Named(headers["x-amz-checksum-algorithm"].ToString(), "x-amz-checksum-algorithm"));
    }

    /// <summary>Null if the source is gone, or another one by now.</summary>
    private static async Task<WriteResult?> CopyAsync(S3Request request, S3CopySource source, Order order)
    {
        bool isWithin = ReferenceEquals(source.Store, request.Store), isDigested = order.Algorithm is { } asked && !HasAlready(source.Info, asked);
        WriteResult? result = isDigested ? await CopyDigestedAsync(request, source, order)
            : !isWithin ? await CopyBetweenAsync(request, source, order)
            : source.Key == order.Target ? await UpdateAsync(request, source, order)
            : await CopyWithinAsync(request, source, order);
        return result is { Status: WriteStatus.Missing } ? null : result;
    }

    private static async Task<WriteResult> CopyWithinAsync(S3Request request, S3CopySource source, Order order)
    {
        WriteOptions kept = Kept(source.Info, order);
        return await request.Store.CopyAsync(
            source.Key,
            order.Target,
            new CopyOptions
            {
                Condition = order.Given.Condition,

                // Metadata says something of the content: both are of one state.
                SourceCondition = WriteCondition.IfMatch(source.Info.ETag),
                Replace = !order.NewMetadata && !order.NewTags ? null : new BlobChanges
                {
                    ContentType = kept.ContentType,
                    ContentEncoding = kept.ContentEncoding,
                    Expires = kept.Expires,
                    Metadata = new Change<IReadOnlyDictionary<string, string>?>(kept.Metadata),
                },
            },
            request.Aborted);
    }

    /// <summary>A copy onto itself changes what it names and leaves the rest, also what others change meanwhile.</summary>
    private static async Task<WriteResult?> UpdateAsync(S3Request request, S3CopySource source, Order order)
    {
        WriteCondition condition = order.Given.Condition;
        if (!condition.Holds(source.Info)) return WriteResult.PreconditionFailed(source.Info);
        IReadOnlyDictionary<string, string> kept = Kept(source.Info, order).Metadata ?? BlobInfo.NoMetadata;
        var edits = new Dictionary<string, string?>(StringComparer.Ordinal);
        if (order.NewMetadata)
        {
            foreach (string name in source.Info.Metadata.Keys.Where(n => !S3Reserved.Is(n))) edits[name] = null;
            foreach ((string name, string value) in kept.Where(m => !S3Reserved.Is(m.Key))) edits[name] = value;
        }

        if (order.NewTags) edits[S3Reserved.Tags] = kept.GetValueOrDefault(S3Reserved.Tags);
        BlobChanges changes = order.NewMetadata
            ? new BlobChanges { ContentType = order.Given.ContentType, ContentEncoding = order.Given.ContentEncoding, MetadataEdits = edits, KeepsETag = true }
            : new BlobChanges { MetadataEdits = edits, KeepsETag = true };
        return await request.Store.UpdateAsync(order.Target, changes, WriteCondition.IfMatch(source.Info.ETag), request.Aborted);
    }

    private static async Task<WriteResult?> CopyBetweenAsync(S3Request request, S3CopySource source, Order order)
    {
        await using BlobReadResult? read = await source.ReadAsync(null, request.Aborted);
        if (read is null) return null;
        WriteOptions options = Kept(source.Info, order) with { ETag = source.Info.ETag, Checksum = source.Info.Checksum };
        return await request.Store.WriteAsync(order.Target, BlobContent.From(read), options, request.Aborted);
    }

    /// <summary>A checksum that nobody knows yet takes a look at the bytes; ETag and parts are then those of a new object.</summary>
    private static async Task<WriteResult?> CopyDigestedAsync(S3Request request, S3CopySource source, Order order)
    {
        await using BlobReadResult? read = await source.ReadAsync(null, request.Aborted);
        if (read is null) return null;
        WriteOptions options = Kept(source.Info, order);
        IReadOnlyDictionary<string, string>? metadata = S3Reserved.With(S3Reserved.With(options.Metadata, S3Reserved.Parts, null), S3Reserved.Checksum, null);

        // Onto itself it must not undo what was written since it was read.
        bool isSelf = ReferenceEquals(source.Store, request.Store) && source.Key == order.Target;
        if (isSelf && !options.Condition.Holds(source.Info)) return WriteResult.PreconditionFailed(source.Info);
        if (isSelf) options = options with { Condition = WriteCondition.IfMatch(source.Info.ETag) };
        await using IBlobWriter writer = await request.Store.OpenWriterAsync(order.Target, options with { Metadata = metadata }, request.Aborted);
        using var payload = new StoredPayload(read, order.Algorithm);
        return await S3Pieces.WriteAsync(payload, writer, metadata, request.Served.Context.Buffers, request.Aborted);
    }

    /// <summary>What the copy is written with.</summary>
    private static WriteOptions Kept(BlobInfo source, Order order)
    {
        IReadOnlyDictionary<string, string>? metadata = order.NewMetadata ? order.Given.Metadata : source.Metadata;
        string? tags = (order.NewTags ? order.Given.Metadata : source.Metadata)?.GetValueOrDefault(S3Reserved.Tags);
        metadata = S3Reserved.With(metadata, S3Reserved.Tags, tags);
        metadata = S3Reserved.With(metadata, S3Reserved.Checksum, source.Metadata.GetValueOrDefault(S3Reserved.Checksum));
        metadata = S3Reserved.With(metadata, S3Reserved.Parts, source.Metadata.GetValueOrDefault(S3Reserved.Parts));
        metadata = S3Reserved.With(metadata, S3Reserved.Upload, null);
        return new WriteOptions
        {
            Condition = order.Given.Condition,
            ContentType = order.NewMetadata ? order.Given.ContentType : source.ContentType,
            ContentEncoding = order.NewMetadata ? order.Given.ContentEncoding : source.ContentEncoding,
            Expires = order.NewMetadata ? null : source.Expires,
            Metadata = metadata,
        };
    }

    private static bool HasAlready(BlobInfo info, ChecksumAlgorithm algorithm) =>
        algorithm == ChecksumAlgorithm.Crc32C ? info.Checksum is not null : S3Checksum.Of(info) is { IsComposite: false } known && known.Algorithm == algorithm;

    private static async Task AnswerAsync(S3Request request, BlobInfo info)
    {
        using var xml = new S3Xml("CopyObjectResult");
        xml.Element("LastModified", info.Modified).ETag(info.ETag);
        if (S3Checksum.Of(info) is { } checksum)
        {
            checksum.WriteTo(xml);
            xml.Element("ChecksumType", checksum.Type);
        }

        await xml.SendAsync(request.Response);
    }

    private static bool Replaces(IHeaderDictionary headers, string directive) => headers[directive].ToString().ToUpperInvariant() switch
    {
        "" or "COPY" => false,
        "REPLACE" => true,
        _ => throw S3Error.InvalidArgument($"Unknown directive: {directive} is COPY or REPLACE.").AsException(),
    };
}
