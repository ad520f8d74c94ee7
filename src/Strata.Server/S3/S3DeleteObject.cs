using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>DELETE of an object, which succeeds for a missing one too.</summary>
internal static class S3DeleteObject
{
    private static readonly string[] Unsupported = ["x-amz-if-match-last-modified-time", "x-amz-if-match-size"];

    public static async Task HandleAsync(S3Request request)
    {
        if (Unsupported.FirstOrDefault(request.Request.Headers.ContainsKey) is { } header) throw S3Error.NotImplemented($"The header {header}").AsException();
        WriteCondition condition = S3Conditions.ForWrite(request.Request.Headers);
        if (condition.Kind == WriteConditionKind.IfAbsent) throw S3Error.NotImplemented("If-None-Match on DELETE").AsException();
        DeleteResult result = await request.Store.DeleteAsync(S3Request.KeyOf(request.Target.Key), condition, request.Aborted);
        if (result.Status == DeleteStatus.PreconditionFailed) await request.FailAsync(S3Error.PreconditionFailed);
        else request.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
