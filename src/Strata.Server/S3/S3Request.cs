using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>One request to the S3 endpoint, and what is counted of it.</summary>
internal sealed class S3Request(HttpContext http, RequestAccess access, ServedStores served)
{
    private IBlobStore? _store;

    public HttpContext Http { get; } = http;

    public HttpRequest Request => Http.Request;

    public HttpResponse Response => Http.Response;

    public ServedStores Served { get; } = served;

    /// <summary>What the request is called in answers and logs.</summary>
    public string Id { get; } = served.NextRequestId();

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>S3's name of the operation, for metrics and logs.</summary>
    public string Operation { get; set; } = "Unknown";

    public S3Target Target { get; set; } = new("", "");

    /// <summary>What <see cref="AccessGuard"/> has found out about who asks.</summary>
    public RequestAccess Access { get; } = access;

    public AccessPrincipal Principal => Access.Principal;

    /// <summary>True if the address has a query. Most requests have none, and need none taken apart.</summary>
    public bool HasQuery { get; } = http.Request.QueryString.HasValue;

    /// <summary>Bytes of objects received.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes of objects sent.</summary>
    public long BytesOut { get; set; }

    /// <summary>The bucket's store.</summary>
    /// <exception cref="S3Exception">There is none of this name.</exception>
    public IBlobStore Store => _store ??= StoreOf(Target.Bucket);

    public IBlobStore StoreOf(string bucket) =>
        Served.Stores.TryGetValue(bucket, out IBlobStore? store) ? store : throw S3Error.NoSuchBucket(bucket).AsException();

    /// <summary>Refuses who has none of these rights on the key.</summary>
    /// <exception cref="S3Exception">AccessDenied.</exception>
    public void Require(AccessRights any, string bucket, string key)
    {
        if (!Principal.Allows(any, bucket, key)) throw S3Error.AccessDenied.AsException();
    }

    /// <exception cref="S3Exception">The text is no key.</exception>
    public static BlobKey KeyOf(string text) =>
        BlobKey.TryParse(text, out BlobKey key, out string? fault) ? key : throw S3Error.InvalidKey(text, fault).AsException();

    /// <summary>The first value of a query parameter, or null.</summary>
    public string? Query(string name) =>
        HasQuery && Request.Query.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues values) ? values.ToString() : null;

    /// <summary>Tells the access log what was asked, and how much of it came and went.</summary>
    public void Fill(AccessRecord record)
    {
        record.Operation = Operation;
        if (BytesIn > 0) record.Received = BytesIn;
        if (BytesOut > 0) record.Sent = BytesOut;
    }

    /// <summary>Answers with an error; a HEAD's has no body.</summary>
    public async Task FailAsync(S3Error error)
    {
        HttpResponse response = Response;
        response.StatusCode = error.Status;
        if (error.RetryAfter is { } seconds) response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (HttpMethods.IsHead(Request.Method)) return;
        using var xml = new S3Xml("Error", hasNamespace: false);
        xml.Element("Code", error.Code).Element("Message", error.Message);
        if (Target.Bucket.Length > 0) xml.Element("BucketName", Target.Bucket);
        if (Target.Key.Length > 0) xml.Element("Key", Target.Key);
        xml.Element("RequestId", Id);
        await xml.SendAsync(response, error.Status);
    }
}
