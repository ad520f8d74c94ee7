using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <summary>Finds out what a server honours by trying each condition where it must be refused.</summary>
internal static class S3Probe
{
    private const string Wrong = "00000000000000000000000000000000";

    /// <summary>Some small objects under <c>.strata/probe/</c>, which are removed.</summary>
    /// <exception cref="StorageException">The server cannot be reached, or refuses plain writes.</exception>
    public static async ValueTask<S3Provider> RunAsync(IAmazonS3 client, RemoteCalls calls, S3BlobStoreOptions options, CancellationToken cancellationToken)
    {
        var plain = new S3Provider { Name = "probed", Source = "Probed at opening." };
        string name = $"{options.Prefix}{RemoteUploads.Reserved}probe/{RemoteStore.NewWriteId()}", other = name + "-copy";
        try
        {
            return await calls.ReadAsync("probe", null, async attempt =>
            {
                foreach (string one in (string[])[name, other]) await PutAsync(client, options, one, attempt, _ => { }).ConfigureAwait(false);
                string etag = (await client.GetObjectMetadataAsync(options.Bucket, name, attempt.Token).ConfigureAwait(false)).ETag.Trim('"');
                bool isUnquoted = !await IsDoneAsync(() => PutAsync(client, options, name, attempt, r => r.IfMatch = $"\"{etag}\"")).ConfigureAwait(false)
                    && await IsDoneAsync(() => PutAsync(client, options, name, attempt, r => r.IfMatch = etag)).ConfigureAwait(false);
                S3Provider provider = plain with { UnquotedETags = isUnquoted };
                S3Abilities abilities = default;
                foreach ((S3Abilities ability, Func<Task>[] refusals) in Refusals(client, options, name, other, provider.Quote(Wrong), attempt))
                {
                    bool isHonoured = true;
                    foreach (Func<Task> refusal in refusals)
                    {
                        attempt.Progress();
                        isHonoured &= await IsRefusedAsync(refusal).ConfigureAwait(false);
                    }

                    if (isHonoured) abilities |= ability;
                }

                return provider with { Abilities = abilities };
            }, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (string one in (string[])[name, other])
            {
                using var attempt = new RemoteAttempt(options.ProgressTimeout, CancellationToken.None);
                await ((Task)client.DeleteObjectAsync(options.Bucket, one, attempt.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>For each ability the requests that a server which has it refuses. The deletes come last, as one that is not refused removes what the others need.</summary>
    private static (S3Abilities Ability, Func<Task>[] Refusals)[] Refusals(IAmazonS3 client, S3BlobStoreOptions options, string name, string other, string wrong, RemoteAttempt attempt) =>
    [
        (S3Abilities.ConditionalPut,
        [
            () => PutAsync(client, options, name, attempt, r => r.IfNoneMatch = "*"),
            () => PutAsync(client, options, name, attempt, r => r.IfMatch = wrong),
        ]),
        (S3Abilities.ConditionalComplete, [() => UploadAsync(client, options, name, attempt, r => r.IfNoneMatch = "*"), () => UploadAsync(client, options, name, attempt, r => r.IfMatch = wrong)]),
        (S3Abilities.ConditionalCopy, [() => CopyAsync(client, options, name, other, attempt, r => r.IfNoneMatch = "*"), () => CopyAsync(client, options, name, other, attempt, r => r.IfMatch = wrong)]),
        (S3Abilities.CopySourceMatch, [() => CopyAsync(client, options, name, other, attempt, r => r.ETagToMatch = wrong)]),
        (S3Abilities.ConditionalDelete, [() => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = options.Bucket, Key = name, IfMatch = wrong }, attempt.Token)]),
    ];

    private static async Task PutAsync(IAmazonS3 client, S3BlobStoreOptions options, string name, RemoteAttempt attempt, Action<PutObjectRequest> change)
    {
        using var content = new MemoryStream(Encoding.ASCII.GetBytes("probe"), writable: false);
        var request = new PutObjectRequest { BucketName = options.Bucket, Key = name, InputStream = content, UseChunkEncoding = false };
        change(request);
        await client.PutObjectAsync(request, attempt.Token).ConfigureAwait(false);
    }

    private static async Task CopyAsync(IAmazonS3 client, S3BlobStoreOptions options, string from, string to, RemoteAttempt attempt, Action<CopyObjectRequest> change)
    {
        var request = new CopyObjectRequest { SourceBucket = options.Bucket, SourceKey = from, DestinationBucket = options.Bucket, DestinationKey = to };
        change(request);
        await client.CopyObjectAsync(request, attempt.Token).ConfigureAwait(false);
    }

    private static async Task UploadAsync(IAmazonS3 client, S3BlobStoreOptions options, string name, RemoteAttempt attempt, Action<CompleteMultipartUploadRequest> change)
    {
        string id = (await client.InitiateMultipartUploadAsync(options.Bucket, name, attempt.Token).ConfigureAwait(false)).UploadId;
        try
        {
            using var content = new MemoryStream(Encoding.ASCII.GetBytes("probe"), writable: false);
            UploadPartResponse part = await client.UploadPartAsync(
                new UploadPartRequest { BucketName = options.Bucket, Key = name, UploadId = id, PartNumber = 1, InputStream = content, UseChunkEncoding = false }, attempt.Token).ConfigureAwait(false);
            var request = new CompleteMultipartUploadRequest { BucketName = options.Bucket, Key = name, UploadId = id, PartETags = [new PartETag(1, part.ETag)] };
            change(request);
            await client.CompleteMultipartUploadAsync(request, attempt.Token).ConfigureAwait(false);
        }
        catch
        {
            await ((Task)client.AbortMultipartUploadAsync(options.Bucket, name, id, attempt.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <summary>True if the server refused for the condition. What it does not implement it may refuse as such, which is no support of it.</summary>
    private static async Task<bool> IsRefusedAsync(Func<Task> send)
    {
        try
        {
            await send().ConfigureAwait(false);
            return false;
        }
        catch (AmazonServiceException e) when (S3Errors.IsRefused(e))
        {
            return true;
        }
        catch (AmazonServiceException e) when ((int)e.StatusCode is >= 400 and < 500 or 501)
        {
            return false;
        }
    }

    private static async Task<bool> IsDoneAsync(Func<Task> send)
    {
        try
        {
            await send().ConfigureAwait(false);
            return true;
        }
        catch (AmazonServiceException e) when (S3Errors.IsRefused(e))
        {
            return false;
        }
    }
}
