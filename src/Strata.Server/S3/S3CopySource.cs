using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>The object that a copy is made of, as it was when the copy's conditions were judged.</summary>
/// <param name="Store">The bucket that it is in.</param>
/// <param name="Info">Its state; what is read must have its ETag.</param>
internal sealed record S3CopySource(IBlobStore Store, BlobInfo Info)
{
    public const string Header = "x-amz-copy-source";

    public BlobKey Key => Info.Key;

    /// <summary>Finds the object that the header names, and judges the conditions of the copy by it.</summary>
    /// <returns>Null if it is missing or a condition does not hold; then that has been answered.</returns>
    /// <exception cref="S3Exception">The header names nothing, or what the client may not read.</exception>
    public static async ValueTask<S3CopySource?> FindAsync(S3Request request)
    {
        (IBlobStore store, BlobKey key) = Named(request);
        if (await store.StatAsync(key, request.Aborted) is not { } info) await request.FailAsync(S3Error.NoSuchKey);
        else if (new S3Conditions(request.Request.Headers, Header + "-").Evaluate(info) != BlobReadStatus.Found) await request.FailAsync(S3Error.PreconditionFailed);
        else return new S3CopySource(store, info);
        return null;
    }

    /// <summary>The store and the key that the header names.</summary>
    /// <exception cref="S3Exception">It names nothing, or what the client may not read.</exception>
    public static (IBlobStore Store, BlobKey Key) Named(S3Request request)
    {
        string header = request.Request.Headers[Header].ToString();
        int query = header.IndexOf('?', StringComparison.Ordinal);
        if (query >= 0 && header[(query + 1)..] is var version && version.StartsWith("versionId=", StringComparison.Ordinal) && version != "versionId=" + S3ListVersions.TheVersion)
            throw S3Error.NotImplemented("Copying from a version").AsException();
        S3Target target = S3Target.OfCopySource(query < 0 ? header : header[..query]);
        if (target.Bucket.Length == 0 || target.Key.Length == 0)
            throw S3Error.InvalidArgument("Copy Source must mention the source bucket and key: /sourcebucket/sourcekey.").AsException();
        request.Require(AccessRights.Read, target.Bucket, target.Key);
        return (request.StoreOf(target.Bucket), S3Request.KeyOf(target.Key));
    }

    /// <summary>Reads the object; null if it is gone or another one by now.</summary>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobRange? range, CancellationToken cancellationToken)
    {
        BlobReadResult? read = await Store.ReadAsync(Key, new ReadOptions { Range = range, IfMatch = Info.ETag }, cancellationToken);
        if (read is null or { Status: BlobReadStatus.Found }) return read;
        await read.DisposeAsync();
        return null;
    }
}
