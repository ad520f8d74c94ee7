namespace Strata.Server;

/// <summary>The rights that operations take. Who lacks one learns nothing, not even whether the bucket exists.</summary>
internal static class S3Demands
{
    /// <summary>Being known; what is shown is chosen by the handler.</summary>
    public static void Nothing(S3Request request)
    {
    }

    /// <summary>Any right in the bucket; the handler checks each key that the body names.</summary>
    public static void AnyInBucket(S3Request request)
    {
        if (!request.Principal.Knows(request.Target.Bucket)) throw S3Error.AccessDenied.AsException();
    }

    /// <summary>Listing what begins with the query's prefix.</summary>
    public static void ListPrefix(S3Request request) => request.Require(AccessRights.List, request.Target.Bucket, request.Query("prefix") ?? "");

    /// <summary>Reading the object.</summary>
    public static void Read(S3Request request) => request.Require(AccessRights.Read, request.Target.Bucket, request.Target.Key);

    /// <summary>Writing the object.</summary>
    public static void Write(S3Request request) => request.Require(AccessRights.Write, request.Target.Bucket, request.Target.Key);

    /// <summary>Deleting the object.</summary>
    public static void Delete(S3Request request) => request.Require(AccessRights.Delete, request.Target.Bucket, request.Target.Key);

    /// <summary>Administering the bucket.</summary>
    public static void AdminOfBucket(S3Request request) => request.Require(AccessRights.Admin, request.Target.Bucket, "");
}
