using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>PUT with a copy source: within a store by the store itself, between stores as a stream.</summary>
internal static class S3CopyObject
{
    public const string SourceHeader = "x-amz-copy-source";

    public static async Task HandleAsync(S3Request request)
    {
        IHeaderDictionary headers = request.Request.Headers;
        _ = request.Store;
        BlobKey target = S3Request.KeyOf(request.Target.Key);
        S3Target sourceTarget = Source(headers[SourceHeader].ToString());
        request.Require(AccessRights.Read, sourceTarget.Bucket, sourceTarget.Key);
        IBlobStore sourceStore = request.StoreOf(sourceTarget.Bucket);
        BlobKey source = S3Request.KeyOf(sourceTarget.Key);
        bool replaces = Replaces(headers);
        bool isWithin = ReferenceEquals(sourceStore, request.Store);
        if (isWithin && source == target && !replaces)
        {
            throw S3Error.InvalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.").AsException();
        }

        WriteOptions given = S3ObjectHeaders.Read(headers);
        var conditions = new S3Conditions(headers, SourceHeader + "-");
        BlobInfo? info = await sourceStore.StatAsync(source, request.Aborted);
        if (info is null)
        {
            await request.FailAsync(S3Error.NoSuchKey);
            return;
        }

        if (conditions.Evaluate(info) != BlobReadStatus.Found)
        {
            await request.FailAsync(S3Error.PreconditionFailed);
            return;
        }

        WriteResult? result = isWithin
            ? await CopyWithinAsync(request, source, target, given, replaces, conditions.Any ? info.ETag : null)
            : await CopyBetweenAsync(request, sourceStore, source, target, given, replaces, info.ETag);
        await AnswerAsync(request, target, given.Condition, result);
    }

    private static async Task AnswerAsync(S3Request request, BlobKey target, WriteCondition condition, WriteResult? result)
    {
        if (result is null or { Status: WriteStatus.Missing })
        {
            await request.FailAsync(S3Error.NoSuchKey);
            return;
        }

        if (!result.IsWritten)
        {
            await S3PutObject.RefuseAsync(request, target, condition, result);
            return;
        }

        using var xml = new S3Xml("CopyObjectResult");
        xml.Element("LastModified", result.Info!.Modified).Element("ETag", S3ObjectHeaders.Quote(result.Info.ETag));
        await xml.SendAsync(request.Response);
    }

    /// <summary>With <paramref name="pinned"/>, the source must still have the ETag that the conditions were judged by.</summary>
    private static async Task<WriteResult?> CopyWithinAsync(
        S3Request request, BlobKey source, BlobKey target, WriteOptions given, bool replaces, string? pinned) =>
        await request.Store.CopyAsync(
            source,
            target,
            new CopyOptions
            {
                Condition = given.Condition,
                SourceCondition = pinned is null ? default : WriteCondition.IfMatch(pinned),
                Replace = replaces
                    ? new BlobChanges
                    {
                        ContentType = given.ContentType,
                        ContentEncoding = given.ContentEncoding,
                        Metadata = new Change<IReadOnlyDictionary<string, string>?>(given.Metadata),
                    }
                    : null,
            },
            request.Aborted);

    /// <summary>Null if the source is gone; the source's state is the one that its conditions were judged by.</summary>
    private static async Task<WriteResult?> CopyBetweenAsync(
        S3Request request, IBlobStore sourceStore, BlobKey source, BlobKey target, WriteOptions given, bool replaces, string pinned)
    {
        BlobReadResult? read = await sourceStore.ReadAsync(source, new ReadOptions { IfMatch = pinned }, request.Aborted);
        if (read is null) return null;
        await using (read)
        {
            if (read.Status != BlobReadStatus.Found) return WriteResult.PreconditionFailed(null);
            BlobInfo info = read.Info;
            WriteOptions options = (replaces ? given : given with { ContentType = info.ContentType, ContentEncoding = info.ContentEncoding, Metadata = info.Metadata })
                with { ETag = info.ETag, Checksum = info.Checksum };
            return await request.Store.WriteAsync(target, BlobContent.From(read), options, request.Aborted);
        }
    }

    private static S3Target Source(string header)
    {
        int query = header.IndexOf('?', StringComparison.Ordinal);
        if (query >= 0 && header.AsSpan(query).Contains("versionId=", StringComparison.Ordinal)) throw S3Error.NotImplemented("Copying from a version").AsException();
        S3Target source = S3Target.OfCopySource(query < 0 ? header : header[..query]);
        return source.Bucket.Length > 0 && source.Key.Length > 0
            ? source
            : throw S3Error.InvalidArgument("Copy Source must mention the source bucket and key: /sourcebucket/sourcekey.").AsException();
    }

    private static bool Replaces(IHeaderDictionary headers) => headers["x-amz-metadata-directive"].ToString().ToUpperInvariant() switch
    {
        "" or "COPY" => false,
        "REPLACE" => true,
        _ => throw S3Error.InvalidArgument("Unknown metadata directive: it is COPY or REPLACE.").AsException(),
    };
}
