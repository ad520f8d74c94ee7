namespace Strata;

/// <summary>What all who send requests do with them.</summary>
internal static class RemoteServices
{
    /// <summary>Runs a request that may be refused or find nothing.</summary>
    public static async Task<RemoteAnswer> AnsweredAsync(this IRemoteService service, Func<Task> send)
    {
        try
        {
            await send().ConfigureAwait(false);
            return RemoteAnswer.Done;
        }
        catch (Exception e) when (service.AnswerOf(e) is not null)
        {
            return service.AnswerOf(e)!.Value;
        }
    }
}
