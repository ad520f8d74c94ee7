using Strata.Workload;

var settings = WorkloadSettings.Read(args);
return settings.Command switch
{
    WorkloadCommand.Write => await WriteCommand.RunAsync(settings),
    WorkloadCommand.WriteTiers => await TiersCommand.RunAsync(settings),
    WorkloadCommand.Commit => await CommitCommand.RunAsync(settings),
    WorkloadCommand.Soak => await SoakCommand.RunAsync(settings),
    WorkloadCommand.Large => await LargeCommand.RunAsync(settings),
    WorkloadCommand.MemoryBudget => await MemoryBudgetCommand.RunAsync(settings),
    WorkloadCommand.MemoryAccounts => await MemoryAccountsCommand.RunAsync(settings),
    WorkloadCommand.Kv => await KvCommand.RunAsync(settings),
    WorkloadCommand.Queue => await QueueCommand.RunAsync(settings),
    WorkloadCommand.Transfer => await TransferCommand.RunAsync(settings),
    _ => throw new ArgumentException($"There is no command {settings.Command}."),
};
