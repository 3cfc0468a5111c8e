# Upgrade the Failover Server and all its Primary Servers (manual, "Upgrading the Failover Server").
param([string] $Verb, [switch] $Yes, [int] $Wait = 600)
. "$PSScriptRoot/common.ps1"

if ($Verb -notin 'begin', 'end') {
    Write-Usage 'planned-upgrade.ps1 begin|end [-Yes] [-Wait SECONDS]'
}
$names = @((Get-IpfxStatus).servers | ForEach-Object { $_.name })

function Start-Upgrade {
    Write-Step '1. Is everything given back?'
    Assert-NoStandIn
    foreach ($name in $names) {
        if ((Get-IpfxServer $name).authority -ne 'live') {
            Stop-Runbook 3 "the standby of $name holds data that exist nowhere else" `
                "failback.ps1 $name"
        }
    }

    Write-Step '2. No pings and no copies from now on, whoever starts them'
    Confirm-Step "Nothing is watched until the upgrade is over. Stop $names, and the monitor?"
    foreach ($name in $names) {
        Invoke-Ipfx stop $name
    }

    Write-Step '3. Shut down the Failover Server'
    Invoke-Ipfx service stop
    if ((Get-IpfxStatus).monitor.running) {
        Stop-Runbook 1 'a monitor still runs' 'end it, and run this again'
    }

    Write-Step ('Now upgrade the Failover Server and all Primaries, and start the Primaries. ' +
        'Then: planned-upgrade.ps1 end')
}

function Complete-Upgrade {
    Write-Step '1. Are the Primaries up? They come first.'
    foreach ($name in $names) {
        Invoke-Ipfx server test $name
    }

    Write-Step '2. Start the Failover Server again'
    Confirm-Step 'Is everything upgraded to the same version? Start the monitor?'
    Invoke-Ipfx service start
    foreach ($name in $names) {
        Invoke-Ipfx resume $name
    }

    Write-Step '3. What was upgraded has to be replicated by hand'
    foreach ($name in $names) {
        Invoke-Ipfx replicate-from-live $name
        Wait-Until "$name is OK" 'ipfx-failover status' { Test-Ok $name }
    }

    Write-Step 'The upgrade is over.'
}

switch ($Verb) {
    'begin' { Start-Upgrade }
    'end' { Complete-Upgrade }
}
